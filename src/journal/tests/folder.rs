//! The data folder: what is taken for a store, and who has it.

use std::{fs, path::Path};

use tempfile::TempDir;

use crate::domain::Position;
use crate::journal::{DataFolder, FileLog, FolderDisk, JournalError, Log, RecordBatch, SegmentOptions};

fn open_fails(path: &Path) -> JournalError {
    let error = DataFolder::open(path).unwrap_err();
    let line = error.to_string();
    assert!(!line.contains('\n') && line.len() > 20, "one clear line: {line}");
    error
}

fn listing(path: &Path) -> Vec<String> {
    let mut names: Vec<String> =
        fs::read_dir(path).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn a_store_is_begun_with_the_folders_above_it_and_found_again() {
    let above = tempfile::tempdir().unwrap();
    let root = above.path().join("snapshots/data");
    let folder = DataFolder::open(&root).unwrap();
    assert!(folder.is_new() && folder.journal().is_dir());
    assert_eq!(fs::read_to_string(root.join("FORMAT")).unwrap(), "hongbao store 1\n");
    assert_eq!(listing(&root), ["FORMAT", "journal", "lock"]);
    drop(folder);
    assert!(!DataFolder::open(&root).unwrap().is_new());
}

#[test]
fn what_an_interrupted_first_start_leaves_counts_as_new() {
    for left in [&[][..], &["lock"], &["FORMAT.new"], &["lock", "FORMAT.new", "journal/"]] {
        let root = tempfile::tempdir().unwrap();
        for name in left {
            match name.strip_suffix('/') {
                Some(folder) => fs::create_dir(root.path().join(folder)).unwrap(),
                None => fs::write(root.path().join(name), "").unwrap(),
            }
        }
        assert!(DataFolder::open(root.path()).unwrap().is_new(), "{left:?}");
        assert_eq!(listing(root.path()), ["FORMAT", "journal", "lock"], "{left:?}");
    }
}

#[test]
fn folders_with_other_things_are_refused_and_left_as_they_are() {
    for (name, content) in [
        ("photo.jpg", "x"),
        ("lock", "pid 17"),
        ("FORMAT", "another store 1\n"),
        ("FORMAT", "hongbao store 1 "),
        ("FORMAT", "hongbao store 0\n"),
        ("FORMAT", "hongbao store +1\n"),
        ("FORMAT", ""),
        ("journal", "a file"),
    ] {
        let root = tempfile::tempdir().unwrap();
        fs::write(root.path().join(name), content).unwrap();
        let error = open_fails(root.path());
        assert!(matches!(error, JournalError::NotAStore { .. }), "{name}: {error}");
        assert!(error.to_string().contains("choose another folder"));
        assert_eq!(listing(root.path()), [name], "nothing is written");
    }
    let root = tempfile::tempdir().unwrap();
    fs::create_dir(root.path().join("journal")).unwrap();
    fs::write(root.path().join("journal/diary"), "x").unwrap();
    assert!(matches!(open_fails(root.path()), JournalError::NotAStore { .. }));
}

#[test]
fn a_store_that_has_lost_its_marker_alone_is_told_from_other_folders_and_can_get_it_back() {
    let fault_of = |content: Option<&str>| {
        let root = tempfile::tempdir().unwrap();
        drop(DataFolder::open(root.path()).unwrap());
        fs::write(root.path().join("journal/00000000000000000001.segment"), "").unwrap();
        fs::create_dir(root.path().join("snapshots")).unwrap();
        let marker = root.path().join("FORMAT");
        match content {
            None => fs::remove_file(&marker).unwrap(),
            Some(content) => fs::write(&marker, content).unwrap(),
        }
        let before = listing(root.path());
        let inspected = DataFolder::inspect(root.path()).unwrap_err().to_string();
        let error = open_fails(root.path());
        assert_eq!(error.to_string(), inspected);
        assert_eq!(listing(root.path()), before, "nothing is written");
        let told = format!("{} ", marker.display());
        let fault = inspected.strip_prefix(&told).unwrap_or_else(|| panic!("{inspected}")).to_owned();
        // As the error says, by whatever editor.
        for written in ["hongbao store 1\n", "hongbao store 1", "hongbao store 1\r\n"] {
            fs::write(&marker, written).unwrap();
            assert!(!DataFolder::open(root.path()).unwrap().is_new(), "{written:?}");
        }
        fault
    };
    let advice = ", and beside it is a journal: the store has lost its mark; put that file back from a copy of the store, or \
                  write it with the one line \"hongbao store 1\"";
    for (content, fault) in [
        (None, "is missing"),
        (Some(""), "does not say that this is a store"),
        (Some("hongbao stare 1\n"), "does not say that this is a store"),
        (Some(&"x".repeat(65)), "is longer than the one line of a store"),
    ] {
        assert_eq!(fault_of(content), format!("{fault}{advice}"), "{content:?}");
    }
}

#[test]
fn a_marker_of_a_newer_version_is_refused_by_its_number() {
    let root = tempfile::tempdir().unwrap();
    fs::write(root.path().join("FORMAT"), "hongbao store 12\n").unwrap();
    let error = open_fails(root.path());
    assert!(matches!(error, JournalError::NewerFormat { version: 12, .. }));
    let inspected = DataFolder::inspect(root.path()).unwrap_err();
    assert!(matches!(inspected, JournalError::NewerFormat { version: 12, .. }));
    assert_eq!(listing(root.path()), ["FORMAT"]);
}

#[test]
fn a_file_and_a_path_under_a_file_are_no_folders() {
    let root = tempfile::tempdir().unwrap();
    let file = root.path().join("file");
    fs::write(&file, "x").unwrap();
    for path in [file.clone(), file.join("data"), file.join("data/below")] {
        let error = open_fails(&path);
        assert!(matches!(error, JournalError::NotAFolder { .. }), "{error}");
        let error = DataFolder::inspect(&path).unwrap_err();
        assert!(matches!(error, JournalError::NotAFolder { .. }), "{error}");
    }
}

#[test]
fn one_opener_at_a_time_and_several_inspectors() {
    let root = tempfile::tempdir().unwrap();
    let open = DataFolder::open(root.path()).unwrap();
    for refused in [DataFolder::open(root.path()), DataFolder::inspect(root.path())] {
        let error = refused.unwrap_err();
        assert!(matches!(error, JournalError::InUse { .. }));
        assert!(
            error.to_string().contains(
                "end that process, or drop the engine where it is this one, or choose another folder"
            )
        );
    }
    drop(open);
    let first = DataFolder::inspect(root.path()).unwrap();
    let second = DataFolder::inspect(root.path()).unwrap();
    assert!(matches!(open_fails(root.path()), JournalError::InUse { .. }));
    drop((first, second));
    DataFolder::open(root.path()).unwrap();
}

#[test]
fn who_removes_the_lock_lets_nobody_in() {
    let root = TempDir::new().unwrap();
    let held = DataFolder::open(root.path()).unwrap();
    fs::remove_file(root.path().join("lock")).unwrap();
    assert!(matches!(open_fails(root.path()), JournalError::InUse { .. }));
    let inspected = DataFolder::inspect(root.path()).unwrap_err();
    assert!(matches!(inspected, JournalError::InUse { .. }), "{inspected}");
    drop(held);
    DataFolder::open(root.path()).unwrap();
}

#[test]
fn a_segment_that_is_removed_moved_or_replaced_while_it_is_written_ends_the_writing() {
    let remove = |segment: &Path| fs::remove_file(segment).unwrap();
    let move_away = |segment: &Path| fs::rename(segment, segment.with_extension("away")).unwrap();
    let replace = |segment: &Path| {
        fs::copy(segment, segment.with_extension("copy")).unwrap();
        fs::rename(segment.with_extension("copy"), segment).unwrap();
    };
    let harms: [&dyn Fn(&Path); 3] = [&remove, &move_away, &replace];
    for harm in harms {
        let root = TempDir::new().unwrap();
        let (mut log, _) = FileLog::open(FolderDisk::new(root.path())).unwrap();
        let mut batch = RecordBatch::new();
        batch.push(b"one").unwrap();
        log.append(&batch).unwrap();
        log.sync().unwrap();
        let segment = fs::read_dir(root.path()).unwrap().next().unwrap().unwrap().path();
        harm(&segment);
        log.append(&batch).unwrap();
        let removed = log.sync().unwrap_err();
        assert!(matches!(&removed, JournalError::Removed { path } if *path == segment), "{removed}");
        assert!(matches!(log.append(&batch), Err(JournalError::Poisoned { .. })));
    }
}

#[test]
fn a_segment_that_somebody_else_has_trimmed_is_trimmed() {
    let root = TempDir::new().unwrap();
    let options = SegmentOptions { segment_bytes_max: 100, ..SegmentOptions::default() };
    let (mut log, _) = FileLog::open_with(FolderDisk::new(root.path()), options).unwrap();
    for record in [b"one", b"two", b"six"] {
        let mut batch = RecordBatch::new();
        batch.push(record).unwrap();
        log.append(&batch).unwrap();
        log.sync().unwrap();
    }
    let mut segments = listing(root.path());
    segments.sort();
    assert_eq!(segments.len(), 3);
    fs::remove_file(root.path().join(&segments[0])).unwrap();
    log.trim(Position(3)).unwrap();
    assert_eq!((log.oldest(), listing(root.path())), (Position(3), segments[2..].to_vec()));
}

#[test]
fn inspecting_writes_nothing() {
    let root = tempfile::tempdir().unwrap();
    let absent = root.path().join("absent");
    assert!(matches!(DataFolder::inspect(&absent), Err(JournalError::NotAStore { .. })));
    assert!(!absent.exists());
    assert!(matches!(DataFolder::inspect(root.path()), Err(JournalError::NotAStore { .. })));
    assert!(listing(root.path()).is_empty());

    drop(DataFolder::open(root.path()).unwrap());
    fs::remove_file(root.path().join("lock")).unwrap();
    let copy = DataFolder::inspect(root.path()).unwrap();
    assert!(copy.journal().is_dir());
    assert_eq!(listing(root.path()), ["FORMAT", "journal"], "no lock is made");
}

#[test]
fn a_store_without_its_journal_is_not_begun_anew() {
    let root = tempfile::tempdir().unwrap();
    drop(DataFolder::open(root.path()).unwrap());
    fs::remove_dir(root.path().join("journal")).unwrap();
    assert!(matches!(open_fails(root.path()), JournalError::Missing { .. }));
    let inspected = DataFolder::inspect(root.path()).unwrap_err();
    assert!(matches!(inspected, JournalError::Missing { .. }));
}

#[test]
fn snapshots_without_a_segment_say_that_the_journal_is_lost() {
    let root = tempfile::tempdir().unwrap();
    drop(DataFolder::open(root.path()).unwrap());
    fs::create_dir(root.path().join("snapshots")).unwrap();
    // A folder of snapshots that holds nothing says nothing.
    DataFolder::inspect(root.path()).unwrap();
    drop(DataFolder::open(root.path()).unwrap());
    fs::write(root.path().join("snapshots/one.manifest"), "").unwrap();
    for error in [open_fails(root.path()), DataFolder::inspect(root.path()).unwrap_err()] {
        assert!(matches!(error, JournalError::JournalLost { .. }), "{error}");
    }
    fs::write(root.path().join("journal/00000000000000000001.segment"), "").unwrap();
    DataFolder::inspect(root.path()).unwrap();
}

#[test]
fn refusals_of_the_operating_system_are_sorted_by_who_must_act() {
    use std::io::{Error, ErrorKind};
    for (kind, words) in [
        (ErrorKind::StorageFull, "make room"),
        (ErrorKind::QuotaExceeded, "make room"),
        (ErrorKind::PermissionDenied, "not permitted"),
        (ErrorKind::ReadOnlyFilesystem, "not permitted"),
        (ErrorKind::Other, "could not"),
    ] {
        let line = JournalError::from_io("write", "some/file", Error::from(kind)).to_string();
        assert!(line.contains(words) && line.contains("some/file"), "{line}");
    }
}
