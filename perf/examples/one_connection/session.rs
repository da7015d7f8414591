//! The same through `signalbox_smpp::Session`.

use super::READ;
use bytes::{Buf, BytesMut};
use signalbox_smpp::{
    Address, Bind, BindMode, Body, CommandStatus, Event, MessageResp, Role, Session, SessionConfig,
    ShortMessage, Version,
};
use std::time::Instant;
use tokio::net::TcpStream;

struct Driver<'a> {
    stream: &'a TcpStream,
    session: Session,
    input: BytesMut,
    start: Instant,
}

impl<'a> Driver<'a> {
    fn new(stream: &'a TcpStream, role: Role, window: usize) -> Self {
        let config = SessionConfig { window_out: window, window_in: 1_000, ..SessionConfig::new(role) };
        Driver { stream, session: Session::new(config, 0), input: BytesMut::new(), start: Instant::now() }
    }

    fn now(&self) -> u64 {
        self.start.elapsed().as_nanos() as u64
    }

    /// Reads until there is something; `false` at the end of the stream.
    async fn read(&mut self) -> bool {
        loop {
            self.input.reserve(READ);
            match self.stream.try_read_buf(&mut self.input) {
                Ok(0) => return false,
                Ok(_) => {
                    let now = self.now();
                    self.session.handle_input(now, &mut self.input);
                    return true;
                }
                Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {
                    self.stream.readable().await.unwrap();
                }
                Err(_) => return false,
            }
        }
    }

    async fn write(&mut self) {
        while let Some(output) = self.session.poll_transmit() {
            match self.stream.try_write(output) {
                Ok(count) => output.advance(count),
                Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {
                    self.stream.writable().await.unwrap();
                }
                Err(error) => panic!("{error}"),
            }
        }
    }
}

/// Answers until the stream ends; how many submits it had.
pub async fn serve(stream: &TcpStream) -> u64 {
    let mut driver = Driver::new(stream, Role::Smsc, 10);
    let answer = Body::SubmitSmResp(MessageResp::new("1a2b3c4d"));
    let mut handled = 0;
    while driver.read().await {
        let now = driver.now();
        while let Some(event) = driver.session.poll_event() {
            match event {
                Event::BindRequest { .. } => driver.session.accept_bind(now, "session").unwrap(),
                Event::Request { sequence, body: Body::SubmitSm(message), .. } => {
                    std::hint::black_box(&message);
                    handled += 1;
                    driver.session.respond(now, sequence, CommandStatus::ROK, &answer).unwrap();
                }
                other => panic!("{other:?}"),
            }
        }
        driver.write().await;
    }
    handled
}

/// Sends `count` submits; how many were answered with ESME_ROK.
pub async fn send(stream: &TcpStream, count: u64, window: usize) -> u64 {
    let mut driver = Driver::new(stream, Role::Esme, window);
    let message = Body::SubmitSm(ShortMessage {
        source: Address::alphanumeric("Signalbox"),
        destination: Address::international("447700900123"),
        short_message: "Hello from a bare loop, this is sixty octets of text or so".into(),
        ..ShortMessage::default()
    });
    driver.session.bind(0, BindMode::Transceiver, Bind::new("bare", "bare", Version::V3_4)).unwrap();
    let (mut sent, mut answered, mut ok) = (0, 0, 0);
    let mut bound = false;
    while answered < count {
        if bound {
            let now = driver.now();
            while sent < count && driver.session.credit() > 0 {
                driver.session.send(now, &message, sent).unwrap();
                sent += 1;
            }
        }
        driver.write().await;
        if !driver.read().await {
            break;
        }
        while let Some(event) = driver.session.poll_event() {
            match event {
                Event::Bound { .. } => bound = true,
                Event::Response { status, body, .. } => {
                    std::hint::black_box(&body);
                    answered += 1;
                    ok += u64::from(status.is_ok());
                }
                other => panic!("{other:?}"),
            }
        }
    }
    ok
}
