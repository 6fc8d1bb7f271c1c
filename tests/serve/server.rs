//! A server of one's own, on a free port of the loopback, and how it is asked.

use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

pub const JSON: &str = "application/json";
pub const NDJSON: &str = "application/x-ndjson";

/// A folder for data that one server after another serves.
pub struct Store {
    _above: TempDir,
    pub data: PathBuf,
}

impl Store {
    pub fn new() -> Store {
        let above = TempDir::new().unwrap();
        let data = above.path().join("data");
        Store { _above: above, data }
    }

    /// Starts a server with a key for everything, and waits until it is ready.
    pub fn serve(&self) -> Server {
        let server = self.listen(&["--dev"]);
        server.until_ready();
        server
    }

    /// Starts a server and waits until it listens.
    pub fn listen(&self, more: &[&str]) -> Server {
        let mut command = program();
        command.args(["serve", "--listen", "127.0.0.1:0", "--data"]).arg(&self.data).args(more);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::inherit()).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap());
        let mut next = || {
            let mut line = String::new();
            lines.read_line(&mut line).unwrap();
            line.trim().to_owned()
        };
        let address =
            next().strip_prefix("hongbao listens on ").expect("it says where it listens").to_owned();
        let grpc = more
            .contains(&"--grpc")
            .then(|| next().strip_prefix("gRPC listens on ").expect("it says where gRPC listens").to_owned());
        let key = more.contains(&"--dev").then(|| (next(), next(), next()).2);
        Server {
            child,
            address,
            grpc: grpc.unwrap_or_default(),
            key: key.unwrap_or_default(),
            _lines: lines,
            agent: agent(),
        }
    }

    /// Makes a key and gives it.
    pub fn key(&self, role: &[&str]) -> String {
        self.keys(&[&["create", "--role"], role].concat()).trim().to_owned()
    }

    /// Runs `hongbao keys` and gives what it prints.
    pub fn keys(&self, arguments: &[&str]) -> String {
        self.beside("keys", arguments)
    }

    /// Runs a command about what stands beside the data, and gives what it prints.
    pub fn beside(&self, what: &str, arguments: &[&str]) -> String {
        let done = program().arg(what).args(arguments).arg("--data").arg(&self.data).output().unwrap();
        assert!(done.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&done.stderr));
        String::from_utf8(done.stdout).unwrap()
    }

    /// The audit of the data, which must be sound.
    pub fn audit(&self) -> Value {
        audit(&self.data)
    }
}

fn audit(data: &Path) -> Value {
    let done = program().arg("audit").arg(data).arg("--json").output().unwrap();
    let audit: Value = serde_json::from_slice(&done.stdout).unwrap();
    assert_eq!(audit["audit"], "ok", "{audit}");
    audit
}

fn program() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_hongbao"));
    command.env_remove("HONGBAO_LOG");
    command
}

fn agent() -> ureq::Agent {
    let config = ureq::Agent::config_builder()
        .http_status_as_error(false)
        .timeout_global(Some(Duration::from_secs(60)))
        .build();
    config.into()
}

/// A server that runs.
pub struct Server {
    child: Child,
    pub address: String,
    /// Where gRPC listens.
    pub grpc: String,
    /// The key for everything.
    pub key: String,
    _lines: BufReader<ChildStdout>,
    agent: ureq::Agent,
}

/// A server with both doors and a key for everything, whose log is read at its end.
pub struct Logging {
    child: Child,
    pub http: String,
    pub grpc: String,
    pub key: String,
}

impl Logging {
    /// Starts one that logs so, and waits until it is ready.
    pub fn start(store: &Store, level: &str, format: &str) -> Logging {
        let mut child = Command::new(env!("CARGO_BIN_EXE_hongbao"))
            .args(["serve", "--dev", "--listen", "127.0.0.1:0", "--grpc", "127.0.0.1:0", "--data"])
            .arg(&store.data)
            .args(["--log", level, "--log-format", format])
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut said = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
        let http = said.next().unwrap().strip_prefix("hongbao listens on ").unwrap().to_owned();
        let grpc = said.next().unwrap().strip_prefix("gRPC listens on ").unwrap().to_owned();
        let key = said.find(|line| line.trim().starts_with("hongbao_")).unwrap().trim().to_owned();
        said.find(|line| line.starts_with("ready")).unwrap();
        Logging { child, http, grpc, key }
    }

    /// Ends it, and gives what it has logged.
    pub fn end(mut self) -> String {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        let mut text = String::new();
        self.child.stderr.take().unwrap().read_to_string(&mut text).unwrap();
        text
    }
}

/// What comes back.
#[derive(Debug)]
pub struct Response {
    pub status: u16,
    pub content_type: String,
    /// Whether it says that this was done before.
    pub replayed: bool,
    /// After how many seconds the same may succeed.
    pub retry_after: Option<u64>,
    pub text: String,
}

impl Response {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// Status, code and field of a problem.
    pub fn problem(&self) -> (u16, String, String) {
        let json = self.json();
        assert_eq!(self.content_type, "application/problem+json", "{self:?}");
        assert_eq!(json["status"], self.status, "{self:?}");
        let text = |name: &str| json[name].as_str().unwrap_or_default().to_owned();
        assert!(!text("detail").is_empty() && !text("advice").is_empty(), "{self:?}");
        (self.status, text("code"), text("field"))
    }
}

impl Server {
    /// Asks with a method, headers and a body.
    pub fn ask(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Response {
        self.try_to_ask(method, path, headers, body).unwrap()
    }

    /// As `ask`; an error where the server is gone before it has answered.
    pub fn try_to_ask(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Result<Response, ureq::Error> {
        let mut request =
            ureq::http::Request::builder().method(method).uri(format!("{}{path}", self.address));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let mut response = self.agent.run(request.body(body).unwrap())?;
        let header =
            |name: &str| response.headers().get(name).map(|value| value.to_str().unwrap().to_owned());
        let content_type = header("content-type").unwrap_or_default();
        let replayed = header("idempotent-replayed").is_some_and(|told| told == "true");
        let retry_after = header("retry-after").map(|seconds| seconds.parse().unwrap());
        let status = response.status().as_u16();
        let text = response.body_mut().read_to_string()?;
        Ok(Response { status, content_type, replayed, retry_after, text })
    }

    pub fn get_with(&self, key: &str, path: &str, more: &[(&str, &str)]) -> Response {
        let bearer = format!("Bearer {key}");
        self.ask("GET", path, &[&[("Authorization", &*bearer)], more].concat(), b"")
    }

    pub fn get(&self, path: &str) -> Response {
        self.get_with(&self.key, path, &[])
    }

    pub fn post_with(&self, key: &str, path: &str, id: &str, more: &[(&str, &str)], body: &str) -> Response {
        let bearer = format!("Bearer {key}");
        let own = [("Authorization", &*bearer), ("Idempotency-Key", id), ("Content-Type", JSON)];
        self.ask("POST", path, &[&own, more].concat(), body.as_bytes())
    }

    /// Posts as an account, or as the institution where none is named.
    pub fn post(&self, path: &str, id: &str, account: &str, body: &str) -> Response {
        let named = [("On-Behalf-Of", account)];
        self.post_with(&self.key, path, id, if account.is_empty() { &[] } else { &named }, body)
    }

    /// As `post`, of what must be done.
    pub fn done(&self, path: &str, id: &str, account: &str, body: &str) -> Value {
        let response = self.post(path, id, account, body);
        assert_eq!(response.status, 200, "{path} {body}: {response:?}");
        response.json()
    }

    /// Many messages at once.
    pub fn messages(&self, key: &str, content_type: &str, body: &str) -> Response {
        let bearer = format!("Bearer {key}");
        let headers = [("Authorization", &*bearer), ("Content-Type", content_type)];
        self.ask("POST", "/v1/messages", &headers, body.as_bytes())
    }

    pub fn until_ready(&self) {
        let begun = Instant::now();
        while self.ask("GET", "/readyz", &[], b"").status != 200 {
            assert!(begun.elapsed() < Duration::from_secs(60), "it is not ready");
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    fn signal(&self, signal: &str) {
        let killed = Command::new("kill").args([signal, &self.child.id().to_string()]).status().unwrap();
        assert!(killed.success());
    }

    /// Tells it to end and waits until it has; true where it ended well.
    pub fn end(mut self) -> bool {
        self.signal("-TERM");
        self.child.wait().unwrap().success()
    }

    /// Kills it where it stands.
    pub fn kill(&self) {
        self.signal("-KILL");
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
