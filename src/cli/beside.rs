//! Whether a data folder is the one that was meant, where a command works on a file beside it.

use std::path::Path;

use super::failure::Failure;

/// A slip of the pen in a folder's name would make what no server ever looks at.
pub(super) fn say_where_there_is_no_store(data: &Path) {
    if !data.exists() {
        eprintln!("note: there is no store at {} yet; a server with this --data will use it", data.display());
    }
}

/// Whether there is anything to list: where neither a store nor a file beside it is there, the folder is most likely another one.
///
/// # Errors
/// With both.
pub(super) fn something_there(data: &Path, file: &Path) -> Result<(), Failure> {
    if data.exists() || file.exists() {
        return Ok(());
    }
    Err(Failure::NothingThere { data: data.to_owned(), file: file.to_owned() })
}
