//! An endpoint of a model that answers what it was told to, one answer after the other.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

use serde_json::{Value, json};

/// One answer.
#[derive(Debug, Clone)]
pub(super) enum Answer {
    /// A status and a body.
    Body(u16, String),
    /// The same with the request to come back at once.
    Busy(u16),
    /// None at all.
    Never,
}

pub(super) fn answer(body: &Value) -> Answer {
    Answer::Body(200, body.to_string())
}

pub(super) const fn busy(status: u16) -> Answer {
    Answer::Busy(status)
}

pub(super) fn refusal(status: u16, message: &str) -> Answer {
    Answer::Body(status, json!({"type": "error", "error": {"type": "error", "message": message}}).to_string())
}

type Requests = Arc<Mutex<Vec<(String, Value)>>>;

/// It serves as long as the test runs.
pub(super) struct Endpoint {
    url: String,
    requests: Requests,
}

impl Endpoint {
    pub(super) fn start(answers: Vec<Answer>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("its address"));
        let requests = Requests::default();
        let heard = Arc::clone(&requests);
        thread::spawn(move || {
            let mut answers = answers.into_iter();
            for stream in listener.incoming() {
                let Ok(stream) = stream else { break };
                serve(stream, &mut answers, &heard);
            }
        });
        Self { url, requests }
    }

    pub(super) fn url(&self) -> &str {
        &self.url
    }

    /// The requests so far: head and body.
    pub(super) fn requests(&self) -> Vec<(String, Value)> {
        self.requests.lock().expect("nobody panicked").clone()
    }
}

/// A request a connection.
fn serve(stream: TcpStream, answers: &mut impl Iterator<Item = Answer>, heard: &Requests) {
    let mut reader = BufReader::new(stream);
    let mut head = String::new();
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).unwrap_or(0) == 0 {
            return;
        }
        if line == "\r\n" {
            break;
        }
        head.push_str(&line);
    }
    let lower = head.to_lowercase();
    let length = lower.lines().find_map(|line| line.strip_prefix("content-length: ")?.trim().parse().ok());
    let mut body = vec![0; length.expect("a request with a length")];
    reader.read_exact(&mut body).expect("a whole body");
    let body = serde_json::from_slice(&body).expect("a body of JSON");
    heard.lock().expect("nobody panicked").push((head, body));
    let answer = answers.next().unwrap_or_else(|| refusal(400, "nobody expected this request"));
    let (status, more, body) = match answer {
        Answer::Body(status, body) => (status, "", body),
        Answer::Busy(status) => (status, "retry-after: 0\r\n", r#"{"error": {"message": "busy"}}"#.to_owned()),
        Answer::Never => {
            // Until the other side has had enough.
            drop(reader.read(&mut [0]));
            return;
        }
    };
    let length = body.len();
    let mut stream = reader.into_inner();
    let head = format!(
        "HTTP/1.1 {status} So\r\ncontent-type: application/json\r\n{more}content-length: {length}\r\nconnection: close\r\n\r\n"
    );
    drop(stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(body.as_bytes())));
}
