//! Copies folders, for tests that change a store.

use std::path::Path;
use std::{fs, io};

/// Copies a folder with all that is in it; where it goes to may be there already.
pub fn copy_folder(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let path = entry?.path();
        let target = to.join(path.strip_prefix(from).map_err(io::Error::other)?);
        if path.is_dir() {
            copy_folder(&path, &target)?;
        } else {
            fs::copy(&path, &target)?;
        }
    }
    Ok(())
}
