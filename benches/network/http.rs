//! HTTP as a load tester speaks it: connections that are kept, one request at a time on each.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// Connections that are kept.
pub struct Connections(Vec<Connection>);

impl Connections {
    pub async fn to(address: &str, connections: usize) -> Connections {
        let mut open = Vec::with_capacity(connections);
        for _ in 0..connections {
            open.push(Connection::to(address).await);
        }
        Connections(open)
    }

    /// Sends all requests, each connection one at a time, and gives the bodies of the responses in no order.
    pub async fn send_all(self, requests: Vec<Vec<u8>>) -> Vec<Vec<u8>> {
        let (requests, next) = (Arc::new(requests), Arc::new(AtomicUsize::new(0)));
        let mut sending = Vec::new();
        for mut connection in self.0 {
            let (requests, next) = (Arc::clone(&requests), Arc::clone(&next));
            sending.push(tokio::spawn(async move {
                let mut bodies = Vec::new();
                while let Some(request) = requests.get(next.fetch_add(1, Ordering::Relaxed)) {
                    bodies.push(connection.ask(request).await);
                }
                bodies
            }));
        }
        let mut bodies = Vec::new();
        for sent in sending {
            bodies.extend(sent.await.unwrap());
        }
        bodies
    }
}

/// A request, ready to be sent.
pub fn request(path: &str, headers: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    format!("POST {path} HTTP/1.1\r\nHost: bench\r\n{headers}Content-Length: {length}\r\n\r\n{body}")
        .into_bytes()
}

pub struct Connection {
    stream: TcpStream,
    read: Vec<u8>,
}

impl Connection {
    async fn to(address: &str) -> Connection {
        let stream = TcpStream::connect(address).await.unwrap();
        stream.set_nodelay(true).unwrap();
        Connection { stream, read: Vec::with_capacity(4 * 1024) }
    }

    async fn ask(&mut self, request: &[u8]) -> Vec<u8> {
        self.stream.write_all(request).await.unwrap();
        self.read.clear();
        let (head, length) = loop {
            assert_ne!(self.stream.read_buf(&mut self.read).await.unwrap(), 0, "the server has gone");
            if let Some(found) = head(&self.read) {
                break found;
            }
        };
        while self.read.len() < head + length {
            assert_ne!(self.stream.read_buf(&mut self.read).await.unwrap(), 0, "the server has gone");
        }
        assert!(self.read.starts_with(b"HTTP/1.1 200"), "{}", String::from_utf8_lossy(&self.read));
        self.read[head..head + length].to_vec()
    }
}

/// Where a response's head ends, and how long its body is; none where the head is not whole.
fn head(read: &[u8]) -> Option<(usize, usize)> {
    let end = read.windows(4).position(|four| four == b"\r\n\r\n")? + 4;
    let text = std::str::from_utf8(&read[..end]).unwrap().to_ascii_lowercase();
    let length = text.lines().find_map(|line| line.strip_prefix("content-length: ")).expect("a length");
    Some((end, length.parse().unwrap()))
}
