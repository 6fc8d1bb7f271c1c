//! A server of a run: a process of our own, in a folder of its own, that ends with the run.

use std::net::{Ipv4Addr, TcpListener};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::Outcome;

/// How long a server may take to answer.
const PATIENCE: Duration = Duration::from_secs(30);

/// Stopped when it is dropped.
pub struct Server {
    process: Child,
    /// Where it listens, on the loopback.
    pub port: u16,
}

impl Server {
    pub fn start(mut command: Command, port: u16) -> Outcome<Server> {
        let process = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn();
        let program = command.get_program().to_string_lossy().into_owned();
        Ok(Server { process: process.map_err(|error| format!("{program}: {error}"))?, port })
    }

    /// Tries until the server answers.
    pub fn wait_for<T>(&mut self, mut attempt: impl FnMut(u16) -> Option<T>) -> Outcome<T> {
        let begun = Instant::now();
        while begun.elapsed() < PATIENCE {
            if let Some(done) = attempt(self.port) {
                return Ok(done);
            }
            if let Some(status) = self.process.try_wait()? {
                return Err(format!("the server ended: {status}").into());
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        Err("the server does not answer".into())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // One that has ended already needs neither.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// A port that nobody has at this moment.
pub fn free_port() -> Outcome<u16> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port())
}
