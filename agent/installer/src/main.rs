//! `patchward-installer`.

fn main() -> anyhow::Result<()> {
    patchward_installer::cli::run(|_| {})
}
