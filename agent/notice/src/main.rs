//! `patchward-notice`.

fn main() -> std::process::ExitCode {
    patchward_notice::cli::main()
}
