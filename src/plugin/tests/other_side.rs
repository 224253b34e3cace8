//! The other side of a plugin's requests: a small server that behaves as badly as a test wants, and remembers what came in.

use std::{
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};

use parking_lot::Mutex;

/// How it answers.
#[derive(Clone)]
pub enum Manner {
    /// These bytes, at once.
    Says(String),
    /// These bytes, one by one with pauses.
    Slowly(String),
    /// Nothing, until it is let go.
    Hangs,
    /// A byte of body now and then, without end.
    Drips,
    /// As many bytes as are taken.
    Floods,
}

/// See the module. Lets go of whoever waits when it is dropped.
pub struct OtherSide {
    /// `http://127.0.0.1:<port>`
    pub origin: String,
    heard: Arc<Mutex<Vec<String>>>,
    over: Arc<AtomicBool>,
}

const PAUSE: Duration = Duration::from_millis(10);

pub fn answer(status: &str, headers: &str, body: &str) -> String {
    format!("HTTP/1.1 {status}\r\n{headers}content-length: {}\r\n\r\n{body}", body.len())
}

impl OtherSide {
    pub fn new(manner: Manner) -> OtherSide {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let origin = format!("http://{}", listener.local_addr().unwrap());
        let (heard, over) = (Arc::<Mutex<Vec<String>>>::default(), Arc::new(AtomicBool::new(false)));
        let (noted, ends) = (heard.clone(), over.clone());
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                if ends.load(Ordering::Relaxed) {
                    return;
                }
                let (manner, noted, ends) = (manner.clone(), noted.clone(), ends.clone());
                thread::spawn(move || serve(stream, &manner, &noted, &ends));
            }
        });
        OtherSide { origin, heard, over }
    }

    pub fn port(&self) -> &str {
        self.origin.rsplit(':').next().unwrap()
    }

    /// The heads of all requests so far.
    pub fn heard(&self) -> Vec<String> {
        self.heard.lock().clone()
    }

    /// Closes the connections of those who wait.
    pub fn let_go(&self) {
        self.over.store(true, Ordering::Relaxed);
    }
}

impl Drop for OtherSide {
    fn drop(&mut self) {
        self.let_go();
        // Wakes the listener up; it may be gone.
        drop(TcpStream::connect(self.origin.trim_start_matches("http://")));
    }
}

fn serve(mut stream: TcpStream, manner: &Manner, heard: &Mutex<Vec<String>>, over: &AtomicBool) {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") && stream.read(&mut byte).is_ok_and(|read| read == 1) {
        head.push(byte[0]);
    }
    if !head.ends_with(b"\r\n\r\n") {
        // Somebody looked in, and went away.
        return;
    }
    heard.lock().push(String::from_utf8_lossy(&head).into_owned());
    // Whoever is answered may have given up.
    let _ = match manner {
        Manner::Says(text) => stream.write_all(text.as_bytes()),
        Manner::Slowly(text) => text.bytes().try_for_each(|byte| {
            thread::sleep(PAUSE);
            stream.write_all(&[byte])
        }),
        Manner::Hangs => {
            while !over.load(Ordering::Relaxed) {
                thread::sleep(PAUSE);
            }
            Ok(())
        }
        Manner::Drips | Manner::Floods => {
            let (piece, pause) = match manner {
                Manner::Drips => (1, PAUSE),
                _ => (1 << 16, Duration::ZERO),
            };
            let mut written = stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n");
            while written.is_ok() && !over.load(Ordering::Relaxed) {
                thread::sleep(pause);
                written = stream.write_all(&vec![b'x'; piece]);
            }
            written
        }
    };
}
