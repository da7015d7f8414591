//! The population as an account of a node: what it submits is what devices write, what it is delivered is what they
//! get.

use std::collections::HashSet;
use std::net::SocketAddr;
use std::time::Duration;

use bytes::{Buf, BytesMut};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::text::decode;
use crate::error::SimError;
use crate::wire::{self, Fields, Message, RESPONSE};

/// Submits without an answer.
const WINDOW: usize = 200;
/// Frames that wait to be written.
const FRAMES: usize = 1_024;
/// The node answers within this time.
const PATIENCE: Duration = Duration::from_secs(30);

/// A text that came to a device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Heard {
    /// Its number.
    pub device: String,
    /// Our address that it came from.
    pub from: String,
    /// The text; of one in parts, the first.
    pub text: String,
}

impl Heard {
    /// What a message to a device says; `None` of a receipt, and of parts behind the first.
    pub(crate) fn of(message: &Message<'_>) -> Option<Self> {
        if message.is_receipt() {
            return None;
        }
        let text = decode(message.text, message.data_coding, message.esm_class)?;
        let latin = |octets: &[u8]| octets.iter().map(|octet| char::from(*octet)).collect();
        Some(Self { device: latin(message.destination), from: latin(message.source), text })
    }
}

/// A bound session.
#[derive(Debug)]
pub(super) struct Client {
    frames: mpsc::Sender<Vec<u8>>,
    /// Sequence numbers that the node answered.
    answered: mpsc::Receiver<u32>,
    open: HashSet<u32>,
    sequence: u32,
    tasks: [JoinHandle<()>; 2],
}

impl Drop for Client {
    fn drop(&mut self) {
        for task in &self.tasks {
            task.abort();
        }
    }
}

impl Client {
    /// Connects and binds as a transceiver.
    pub(super) async fn connect(
        address: SocketAddr,
        system_id: &str,
        password: &str,
        heard: mpsc::Sender<Heard>,
    ) -> Result<Self, SimError> {
        let failed = |source| SimError::io(format!("cannot connect to {address}"), source);
        let stream = TcpStream::connect(address).await.map_err(failed)?;
        stream.set_nodelay(true).map_err(failed)?;
        let (mut input, mut output) = stream.into_split();
        let mut bind = Vec::new();
        wire::put_bind(&mut bind, wire::BIND_TRANSCEIVER, 1, system_id, password);
        output.write_all(&bind).await.map_err(failed)?;
        let mut read = BytesMut::new();
        let answer = tokio::time::timeout(PATIENCE, next(&mut input, &mut read)).await;
        let answer = answer.map_err(|_| SimError::Lost("no answer to the bind"))??;
        let status = wire::word(&answer, 8);
        if status != wire::ROK {
            return Err(SimError::BindRefused { system_id: system_id.to_owned(), status });
        }
        let (frames, to_write) = mpsc::channel(FRAMES);
        let (answers, answered) = mpsc::channel(FRAMES);
        let tasks = [
            tokio::spawn(write(output, to_write)),
            tokio::spawn(listen(input, read, heard, frames.clone(), answers)),
        ];
        Ok(Self { frames, answered, open: HashSet::new(), sequence: 1, tasks })
    }

    /// Submits what a device writes; waits while the window is full.
    pub(super) async fn submit(
        &mut self,
        device: &str,
        to: &str,
        text: &[u8],
        data_coding: u8,
    ) -> Result<(), SimError> {
        while let Ok(sequence) = self.answered.try_recv() {
            self.open.remove(&sequence);
        }
        while self.open.len() >= WINDOW {
            let answer = tokio::time::timeout(PATIENCE, self.answered.recv()).await;
            let answer = answer.map_err(|_| SimError::Lost("submits are not answered"))?;
            self.open.remove(&answer.ok_or(SimError::Lost("the node ended the session"))?);
        }
        self.sequence += 1;
        let message = Message {
            source_type: [1, 1],
            source: device.as_bytes(),
            destination_type: [3, 0],
            destination: to.as_bytes(),
            text,
            data_coding,
            ..Message::default()
        };
        let mut frame = Vec::with_capacity(128);
        wire::put_message(&mut frame, wire::SUBMIT_SM, self.sequence, &Fields { message, payload: false });
        self.open.insert(self.sequence);
        self.frames.send(frame).await.map_err(|_| SimError::Lost("the node ended the session"))
    }
}

async fn write(mut output: OwnedWriteHalf, mut frames: mpsc::Receiver<Vec<u8>>) {
    while let Some(frame) = frames.recv().await {
        if output.write_all(&frame).await.is_err() {
            return;
        }
    }
}

/// Hands texts on and answers what the node asks, until the session ends.
async fn listen(
    mut input: OwnedReadHalf,
    mut read: BytesMut,
    heard: mpsc::Sender<Heard>,
    frames: mpsc::Sender<Vec<u8>>,
    answers: mpsc::Sender<u32>,
) {
    while let Ok(frame) = next(&mut input, &mut read).await {
        let (command, sequence) = (wire::word(&frame, 4), wire::word(&frame, 12));
        if command & RESPONSE != 0 {
            if answers.send(sequence).await.is_err() {
                return;
            }
            continue;
        }
        let mut answer = Vec::with_capacity(32);
        match command {
            wire::DELIVER_SM | wire::DATA_SM => {
                let text = Message::read(&frame).and_then(|message| Heard::of(&message));
                if let Some(text) = text
                    && heard.send(text).await.is_err()
                {
                    return;
                }
                wire::put_text_pdu(&mut answer, command | RESPONSE, wire::ROK, sequence, b"");
            }
            wire::ENQUIRE_LINK | wire::UNBIND => {
                wire::put_header(&mut answer, command | RESPONSE, wire::ROK, sequence);
            }
            _ => wire::put_header(&mut answer, wire::GENERIC_NACK, wire::RINVCMDID, sequence),
        }
        if frames.send(answer).await.is_err() {
            return;
        }
    }
}

/// The next whole frame.
async fn next(input: &mut OwnedReadHalf, read: &mut BytesMut) -> Result<Vec<u8>, SimError> {
    loop {
        match wire::next_frame(read) {
            Err(_) => return Err(SimError::Lost("a frame of an impossible length")),
            Ok(Some(header)) => {
                let frame = read[..header.length].to_vec();
                read.advance(header.length);
                return Ok(frame);
            }
            Ok(None) => {}
        }
        let count = input.read_buf(read).await;
        let count = count.map_err(|source| SimError::io("the session cannot be read", source))?;
        if count == 0 {
            return Err(SimError::Lost("the node ended the session"));
        }
    }
}
