//! `patchward-collector`.

fn main() -> std::process::ExitCode {
    patchward_collector::terminal::main()
}
