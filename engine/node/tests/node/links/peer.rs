//! A peer made of a socket and the codec, without manners of its own.

use std::net::SocketAddr;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use signalbox_smpp::{
    Address, Bind, BindMode, BindResp, Body, CommandStatus, MessageResp, Pdu, Profile, ShortMessage, Version,
    split_frame,
};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::exchange::PATIENCE;

/// One connection, on either side.
pub struct Peer<S = TcpStream> {
    pub stream: S,
    input: BytesMut,
    pub profile: Profile,
    sequence: u32,
}

impl Peer {
    pub async fn connect(to: SocketAddr) -> Self {
        let stream = TcpStream::connect(to).await.unwrap();
        stream.set_nodelay(true).unwrap();
        Self::over(stream)
    }

    /// Connects and binds with the password `secret`.
    pub async fn bound(to: SocketAddr, mode: BindMode, system_id: &str) -> Self {
        let mut peer = Self::connect(to).await;
        assert_eq!(peer.bind(mode, system_id, "secret").await, CommandStatus::ROK);
        peer
    }

    pub async fn accept(listener: &TcpListener) -> Self {
        let (stream, _) =
            tokio::time::timeout(PATIENCE, listener.accept()).await.expect("a connection").unwrap();
        stream.set_nodelay(true).unwrap();
        Self::over(stream)
    }

    /// Takes a connection and its bind.
    pub async fn serve(listener: &TcpListener) -> Self {
        let mut peer = Self::accept(listener).await;
        peer.serve_bind().await;
        peer
    }

    /// Ends the connection with a reset.
    pub fn reset(self) {
        socket2::SockRef::from(&self.stream).set_linger(Some(Duration::ZERO)).unwrap();
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Peer<S> {
    pub fn over(stream: S) -> Self {
        let profile = Profile { version: Version::V5_0, ..Profile::lenient() };
        Self { stream, input: BytesMut::new(), profile, sequence: 0 }
    }

    /// Sends octets as they are.
    pub async fn raw(&mut self, octets: &[u8]) {
        self.stream.write_all(octets).await.unwrap();
    }

    pub async fn send(&mut self, sequence: u32, status: CommandStatus, body: Body) {
        let mut out = BytesMut::new();
        Pdu { status, sequence, body }.encode(&mut out, &self.profile).unwrap();
        self.raw(&out).await;
    }

    /// Sends a request under the next sequence_number.
    pub async fn request(&mut self, body: Body) -> u32 {
        self.sequence += 1;
        self.send(self.sequence, CommandStatus::ROK, body).await;
        self.sequence
    }

    /// The next PDU; `None` at the end of the connection.
    pub async fn next(&mut self) -> Option<Pdu> {
        let reading = async {
            loop {
                if let Some(frame) = split_frame(&mut self.input, 1 << 20).unwrap() {
                    return Some(self.decode(&frame));
                }
                match self.stream.read_buf(&mut self.input).await {
                    Ok(0) | Err(_) => return None,
                    Ok(_) => {}
                }
            }
        };
        tokio::time::timeout(PATIENCE, reading).await.expect("a pdu, or the end")
    }

    fn decode(&self, frame: &Bytes) -> Pdu {
        Pdu::decode(frame, &self.profile).unwrap()
    }

    /// The next PDU that is no enquire_link; those are answered.
    pub async fn pdu(&mut self) -> Pdu {
        loop {
            let pdu = self.next().await.expect("a pdu before the end of the connection");
            match pdu.body {
                Body::EnquireLink => {
                    self.send(pdu.sequence, CommandStatus::ROK, Body::EnquireLinkResp).await;
                }
                _ => return pdu,
            }
        }
    }

    /// Reads to the end of the connection.
    pub async fn end(&mut self) {
        while self.next().await.is_some() {}
    }

    /// The status that our bind is answered with.
    pub async fn bind(&mut self, mode: BindMode, system_id: &str, password: &str) -> CommandStatus {
        self.bind_as(mode, Bind::new(system_id, password, Version::V3_4)).await
    }

    pub async fn bind_as(&mut self, mode: BindMode, bind: Bind) -> CommandStatus {
        let sequence = self.request(mode.request(bind)).await;
        let resp = self.pdu().await;
        assert_eq!((resp.sequence, resp.command()), (sequence, mode.command().response()));
        resp.status
    }

    /// Answers the bind that comes.
    pub async fn serve_bind(&mut self) -> Bind {
        let pdu = self.pdu().await;
        let (mode, bind) = match pdu.body {
            Body::BindTransceiver(bind) => (BindMode::Transceiver, bind),
            Body::BindTransmitter(bind) => (BindMode::Transmitter, bind),
            Body::BindReceiver(bind) => (BindMode::Receiver, bind),
            other => panic!("no bind: {other:?}"),
        };
        let resp = BindResp { system_id: "smsc".into(), ..BindResp::default() };
        self.send(pdu.sequence, CommandStatus::ROK, mode.response(resp)).await;
        bind
    }

    /// Answers the unbind that comes.
    pub async fn unbound(&mut self) {
        let pdu = self.pdu().await;
        assert_eq!(pdu.body, Body::Unbind);
        self.send(pdu.sequence, CommandStatus::ROK, Body::UnbindResp).await;
    }

    /// The next submit_sm, with its sequence_number.
    pub async fn submit_sm(&mut self) -> (u32, ShortMessage) {
        let pdu = self.pdu().await;
        let Body::SubmitSm(message) = pdu.body else { panic!("no submit_sm: {pdu:?}") };
        (pdu.sequence, message)
    }

    /// The next deliver_sm, with its sequence_number.
    pub async fn deliver_sm(&mut self) -> (u32, ShortMessage) {
        let pdu = self.pdu().await;
        let Body::DeliverSm(message) = pdu.body else { panic!("no deliver_sm: {pdu:?}") };
        (pdu.sequence, message)
    }

    /// Takes a submit_sm under an id.
    pub async fn took(&mut self, sequence: u32, id: &str) {
        self.send(sequence, CommandStatus::ROK, Body::SubmitSmResp(MessageResp::new(id))).await;
    }

    /// The status and the id that our submit_sm is answered with.
    pub async fn submitted(&mut self) -> (u32, CommandStatus, String) {
        let pdu = self.pdu().await;
        let Body::SubmitSmResp(resp) = pdu.body else { panic!("no submit_sm_resp: {pdu:?}") };
        (pdu.sequence, pdu.status, resp.message_id.to_string())
    }
}

/// A message with a text.
pub fn text(text: &str) -> ShortMessage {
    ShortMessage {
        source: Address::alphanumeric("Bank"),
        destination: Address::international("447700900123"),
        short_message: Bytes::copy_from_slice(text.as_bytes()),
        ..ShortMessage::default()
    }
}

/// A receipt for an id.
pub fn receipt(id: &str) -> ShortMessage {
    let stat = format!(
        "id:{id} sub:001 dlvrd:001 submit date:2601010000 done date:2601010001 stat:DELIVRD err:000 text:"
    );
    ShortMessage {
        source: Address::international("447700900123"),
        destination: Address::alphanumeric("Bank"),
        esm_class: signalbox_smpp::EsmClass::DELIVERY_RECEIPT,
        ..text(&stat)
    }
}
