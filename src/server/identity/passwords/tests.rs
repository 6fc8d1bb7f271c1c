use std::fs;
use std::os::unix::fs::PermissionsExt;

use super::*;
use crate::limits::PASSWORD_SPARE_LINES;

const HASH: &str = "$argon2id$v=19$m=8,t=1,p=1$c2FsdHNhbHQ$aGFzaGhhc2hoYXNoaGFzaA";

struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Folder {
        Folder(tempfile::tempdir().unwrap())
    }

    fn file(&self) -> Beside {
        Beside::of(&self.0.path().join("data"), ".passwords.jsonl")
    }

    fn open(&self) -> Result<Passwords, PasswordsError> {
        Passwords::open(self.file())
    }

    fn text(&self) -> String {
        fs::read_to_string(self.file().path()).unwrap()
    }
}

fn name(text: &str) -> Name {
    Name::new(text).unwrap()
}

#[test]
fn a_change_is_one_line_that_counts_and_another_reader_sees_it() {
    let folder = Folder::new();
    let (one, other) = (folder.open().unwrap(), folder.open().unwrap());
    assert!(!folder.file().path().exists(), "nothing is made where nobody has a password");
    let (ann, ben) = (name("ann"), name("b\"en"));
    assert_eq!(one.set(&ann, HASH, None).unwrap(), Changed::Done);
    assert_eq!(other.set(&ben, HASH, None).unwrap(), Changed::Done);
    assert_eq!(folder.text().lines().count(), 2);
    let mode = fs::metadata(folder.file().path()).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    one.refresh().unwrap();
    let first = one.of(&ben).unwrap();
    assert_eq!((other.of(&ann), &*first.hash), (one.of(&ann), HASH));
    // The same again is another generation, and only whoever knows the one that counts may change it.
    assert_eq!(one.set(&ben, HASH, Some(first.generation)).unwrap(), Changed::Done);
    assert_eq!(other.set(&ben, HASH, Some(first.generation)).unwrap(), Changed::Meanwhile);
    assert_eq!(other.remove(&ben, Some(first.generation)).unwrap(), Changed::Meanwhile);
    assert_eq!(other.remove(&ben, None).unwrap(), Changed::Done);
    assert_eq!(other.remove(&ben, None).unwrap(), Changed::Nothing);
    assert_eq!(one.set(&ben, HASH, Some(first.generation)).unwrap(), Changed::Meanwhile);
    let again = folder.open().unwrap();
    assert_eq!((again.of(&ben), again.of(&ann)), (None, one.of(&ann)));
    fs::remove_file(folder.file().path()).unwrap();
    one.refresh().unwrap();
    assert_eq!(one.of(&ann), None);
}

#[test]
fn a_file_that_somebody_has_changed_where_it_stands_is_read_anew() {
    let folder = Folder::new();
    let passwords = folder.open().unwrap();
    let (ann, ben, eve) = (name("ann"), name("ben"), name("eve"));
    for account in [&ann, &ben] {
        passwords.set(account, HASH, None).unwrap();
    }
    // As somebody does with an editor: a line is gone and another one is there, and the file is as long as before.
    let text = folder.text();
    let (first, second) = text.split_once('\n').unwrap();
    fs::write(folder.file().path(), format!("{second}{}\n", first.replace("ann", "eve"))).unwrap();
    passwords.refresh().unwrap();
    assert!(passwords.of(&ann).is_none() && passwords.of(&ben).is_some() && passwords.of(&eve).is_some());
    // What a writer that was killed has left is gone once somebody writes, and the lock is its owner's alone.
    let beside = |ending: &str| folder.file().path().with_extension(ending);
    fs::write(beside("new"), "a hash that counts no more").unwrap();
    passwords.set(&ann, HASH, None).unwrap();
    assert!(!beside("new").exists());
    assert_eq!(fs::metadata(beside("lock")).unwrap().permissions().mode() & 0o777, 0o600);
}

#[test]
fn the_file_is_written_anew_once_most_of_it_counts_no_more() {
    let folder = Folder::new();
    let passwords = folder.open().unwrap();
    let ann = name("ann");
    passwords.set(&name("ben"), HASH, None).unwrap();
    passwords.set(&ann, HASH, None).unwrap();
    let text = folder.text();
    let spare = usize::try_from(PASSWORD_SPARE_LINES).unwrap();
    fs::write(folder.file().path(), text.repeat(spare / 2)).unwrap();
    for _ in 0..4 {
        passwords.set(&ann, HASH, None).unwrap();
    }
    assert_eq!(folder.text().lines().count(), spare + 4);
    passwords.set(&ann, HASH, None).unwrap();
    assert_eq!(folder.text().lines().count(), 2);
    let kept = (passwords.of(&ann), passwords.of(&name("ben")));
    let again = folder.open().unwrap();
    assert_eq!((again.of(&ann), again.of(&name("ben"))), kept);
    // Whoever has not looked for two such files reads the third, and not where the first one ended.
    let (slow, names) = (folder.open().unwrap(), ["x", "y", "z"].map(|text| name(&text.repeat(100))));
    for name in &names {
        passwords.set(name, HASH, None).unwrap();
        passwords.set(name, HASH, None).unwrap();
        passwords.write_anew().unwrap();
    }
    slow.refresh().unwrap();
    assert!(names.iter().all(|name| slow.of(name).is_some() && slow.of(name) == passwords.of(name)));
    // What was removed is nowhere once the file is written anew.
    passwords.remove(&ann, None).unwrap();
    assert!(folder.text().contains("ann"));
    again.write_anew().unwrap();
    assert!(!folder.text().contains("ann"), "{}", folder.text());
    passwords.refresh().unwrap();
    assert_eq!((passwords.of(&ann), passwords.of(&name("ben"))), (None, kept.1));
}

#[test]
fn a_last_line_is_torn_anywhere_and_every_line_before_it_counts() {
    let folder = Folder::new();
    let passwords = folder.open().unwrap();
    passwords.set(&name("ann"), HASH, None).unwrap();
    let whole = folder.text();
    passwords.set(&name("ben"), HASH, None).unwrap();
    let both = folder.text();
    for end in whole.len()..=both.len() {
        let folder = Folder::new();
        fs::write(folder.file().path(), &both[..end]).unwrap();
        let read = folder.open().unwrap();
        assert!(read.of(&name("ann")).is_some(), "{end}");
        assert_eq!(read.of(&name("ben")).is_some(), end == both.len(), "{end}");
        assert_eq!(folder.text(), if end == both.len() { &both[..] } else { &whole[..] });
        read.set(&name("eve"), HASH, None).unwrap();
        assert!(folder.open().unwrap().of(&name("eve")).is_some(), "{end}");
    }
}

#[test]
fn a_line_that_is_no_password_is_named_and_not_shown_and_what_counted_before_still_does() {
    let folder = Folder::new();
    let passwords = folder.open().unwrap();
    let ann = name("ann");
    passwords.set(&ann, HASH, None).unwrap();
    let whole = folder.text();
    let long = format!("{{\"removed\":{{\"account\":\"{}\"}}}}", " ".repeat(5_000));
    let wrong = [
        "",
        "secret",
        "[]",
        r#"{"removed":{"account":""}}"#,
        r#"{"set":{"account":"eve","hash":"secret","generation":"0000000000000000"}}"#,
        r#"{"set":{"account":"eve","hash":"$argon2id$secret","generation":"0"}}"#,
        r#"{"set":{"account":"eve","hash":"$argon2id$secret","generation":"+000000000000000"}}"#,
        r#"{"set":{"account":"eve","hash":"$argon2id$secret"}}"#,
        r#"{"removed":{"account":"eve","why":"secret"}}"#,
        &long,
    ];
    for line in wrong {
        fs::write(folder.file().path(), format!("{whole}{line}\n{whole}")).unwrap();
        let error = folder.open().err().unwrap_or_else(|| panic!("{line} was taken"));
        assert!(matches!(error, PasswordsError::Damaged { line: 2, .. }), "{line}: {error}");
        assert!(!error.to_string().contains("secret"), "{error}");
        assert!(passwords.refresh().is_err() && passwords.set(&ann, HASH, None).is_err());
        assert!(passwords.of(&ann).is_some());
    }
}
