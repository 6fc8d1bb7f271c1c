//! The two processes that are asked.

use std::io::{BufRead, BufReader};
use std::process::{Child, ChildStdout, Command, Stdio};

use tempfile::TempDir;

/// A server on a store of its own.
pub struct Server {
    child: Child,
    _store: TempDir,
    _lines: BufReader<ChildStdout>,
    pub http: String,
    pub grpc: String,
    pub key: String,
}

/// What gives back what it is sent.
pub struct Echo {
    child: Child,
    _lines: BufReader<ChildStdout>,
    pub http: String,
    pub grpc: String,
}

fn next(lines: &mut BufReader<ChildStdout>) -> String {
    let mut line = String::new();
    lines.read_line(&mut line).unwrap();
    line.trim().to_owned()
}

impl Server {
    pub fn start() -> Server {
        let store = tempfile::tempdir().unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_hongbao"));
        command.args(["serve", "--dev", "--listen", "127.0.0.1:0", "--grpc", "127.0.0.1:0", "--data"]);
        let mut child = command.arg(store.path().join("data")).stdout(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap());
        let mut told = Vec::new();
        while !told.last().is_some_and(|line: &String| line.starts_with("ready")) {
            told.push(next(&mut lines));
        }
        let behind = |start: &str| {
            let found = told.iter().find_map(|line| line.strip_prefix(start));
            found.expect("it says where it listens").to_owned()
        };
        let (http, grpc) = (behind("hongbao listens on http://"), behind("gRPC listens on "));
        let key = told.iter().find(|line| line.starts_with("hongbao_")).expect("it gives a key").clone();
        Server { child, _store: store, _lines: lines, http, grpc, key }
    }
}

impl Echo {
    pub fn start() -> Echo {
        let mut command = Command::new(std::env::current_exe().unwrap());
        let mut child = command.arg("echo").stdout(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap());
        let (http, grpc) = (next(&mut lines), next(&mut lines));
        Echo { child, _lines: lines, http, grpc }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for Echo {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
