//! `patchward-agent`.

fn main() -> std::process::ExitCode {
    patchward_agent::cli::main()
}
