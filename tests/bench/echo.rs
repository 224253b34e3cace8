//! What a request and its answer cost before anybody has done anything: bytes there and back over the loopback interface.

use std::{
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    thread,
    time::{Duration, Instant},
};

/// About what creating a person sends and gets.
const ASKED: usize = 350;
const ANSWERED: usize = 1_100;

pub fn times() -> Vec<Duration> {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    let server = thread::spawn(move || {
        let (mut stream, _) = listener.accept().expect("a caller");
        stream.set_nodelay(true).expect("a socket");
        let mut asked = [0; ASKED];
        while stream.read_exact(&mut asked).is_ok() {
            stream.write_all(&[1; ANSWERED]).expect("a listener");
        }
    });
    let mut stream = TcpStream::connect(address).expect("the server listens");
    stream.set_nodelay(true).expect("a socket");
    let mut answer = [0; ANSWERED];
    let times = (0..400)
        .map(|_| {
            let began = Instant::now();
            stream.write_all(&[1; ASKED]).expect("a server");
            stream.read_exact(&mut answer).expect("an answer");
            began.elapsed()
        })
        .collect();
    drop(stream);
    server.join().expect("the server ends");
    times
}
