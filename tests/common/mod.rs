//! Runs the built program and looks at what it leaves, for the tests that know it from outside only.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::SystemTime;

use serde_json::Value;

/// The program, with the command of a person who can run it again.
pub struct Program {
    arguments: Vec<String>,
}

/// What a run of the program came to.
pub struct Ran {
    /// The exit code; none where it was killed.
    pub code: Option<i32>,
    pub out: String,
    pub error: String,
    /// The command line, to run it again.
    pub command_line: String,
}

impl Program {
    /// Any arguments.
    pub fn new(arguments: &[&str]) -> Program {
        Program { arguments: arguments.iter().map(|argument| (*argument).to_owned()).collect() }
    }

    /// The same with more arguments.
    pub fn with(mut self, arguments: &[&str]) -> Program {
        self.arguments.extend(arguments.iter().map(|argument| (*argument).to_owned()));
        self
    }

    /// `hongbao sale`.
    pub fn sale(orders: &Path, data: &Path, shards: usize) -> Program {
        let (orders, data) = (orders.display().to_string(), data.display().to_string());
        Program::new(&["sale", &orders, "--data", &data, "--shards", &shards.to_string(), "--json"])
    }

    /// `hongbao audit`.
    pub fn audit(data: &Path) -> Program {
        Program::new(&["audit", &data.display().to_string(), "--json"])
    }

    /// The command, ready to start, with its output kept from the terminal.
    pub fn command(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_hongbao"));
        command.args(&self.arguments).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        // A panic would show itself at its fullest, and nothing else speaks.
        command.env("RUST_BACKTRACE", "1").env_remove("HONGBAO_LOG");
        command
    }

    /// Runs it to its end.
    pub fn run(&self) -> Ran {
        let Output { status, stdout, stderr } = self.command().output().unwrap();
        Ran {
            code: status.code(),
            out: String::from_utf8(stdout).unwrap(),
            error: String::from_utf8(stderr).unwrap(),
            command_line: format!("hongbao {}", self.arguments.join(" ")),
        }
    }
}

impl Ran {
    /// The JSON of a run that must have gone well.
    #[track_caller]
    pub fn json(&self) -> Value {
        let Ran { code, out, error, command_line } = self;
        assert_eq!(*code, Some(0), "{command_line}\nstandard output: {out}\nstandard error: {error}");
        let said: Vec<&str> = error.lines().filter(|line| !is_progress(line)).collect();
        assert!(said.is_empty(), "{command_line} says on standard error: {error}");
        let value: Value =
            serde_json::from_str(out).unwrap_or_else(|error| panic!("{command_line}: {error}"));
        assert_eq!(value["audit"], "ok", "{command_line}\n{out}");
        value
    }
}

/// True for what a run that takes its time says now and then: `reading 65,536 of 162,508 records`.
fn is_progress(line: &str) -> bool {
    let words: Vec<&str> = line.split(' ').collect();
    matches!(*words, ["reading", _, "of", _, "records"] | ["selling", _, "of", _, "certificates"])
}

/// The orders that the project carries.
pub fn sample() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/cdnow_sample.txt")
}

/// Every file below a folder with its bytes and the time of its last change; folders with their times.
pub fn contents(folder: &Path) -> BTreeMap<PathBuf, (Vec<u8>, SystemTime)> {
    let mut found = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        let changed = fs::metadata(&folder).unwrap().modified().unwrap();
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            let metadata = fs::metadata(&path).unwrap();
            if metadata.is_dir() {
                folders.push(path);
            } else {
                found.insert(path.clone(), (fs::read(&path).unwrap(), metadata.modified().unwrap()));
            }
        }
        found.insert(folder, (Vec::new(), changed));
    }
    found
}

/// Checks that nothing in a folder was changed, and names the first file that was.
#[track_caller]
pub fn assert_untouched(folder: &Path, before: &BTreeMap<PathBuf, (Vec<u8>, SystemTime)>, who: &str) {
    let after = contents(folder);
    let names = |all: &BTreeMap<PathBuf, _>| all.keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(&after), names(before), "{who} made or removed a file");
    for (path, (bytes, changed)) in before {
        assert!(after[path].0 == *bytes, "{who} changed the bytes of {}", path.display());
        assert_eq!(after[path].1, *changed, "{who} wrote to {}", path.display());
    }
}
