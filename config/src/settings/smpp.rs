use std::net::SocketAddr;

use super::TlsListener;
use crate::setting::{Agreement, Cursor, Problems, settings};
use crate::value::{ByteSize, Count, Name, Period, Text};

settings! {
    /// The side on which peers bind to us.
    pub struct SmppSettings agrees {
        /// Where peers connect; several listeners may differ in TLS and bounds.
        listen: Vec<SmppListener>,
        /// What we call ourselves in bind responses (system_id, SMPP 3.4, 4.1.2).
        system_id: Text<1, 15> = "signalbox",
        /// Sessions of all listeners and accounts together.
        max_sessions: Count<1, 100_000> = 2_000,
        /// Argon2 takes memory and a core for some 20 ms: so many passwords are checked at once.
        password_checks_at_once: Count<1, 64> = 2; restart,
        /// Binds that may wait for a password check; more are refused for the time being.
        password_queue: Count<1, 10_000> = 256; restart,
        /// A password that was right is not hashed again for so long, while account and password stay the same.
        verified_for: Period = "10m",
        /// What a flood of wrong passwords brings. It is checked before any password.
        lock_out: LockOutSettings,
    }
}

settings! {
    /// One address where peers connect.
    pub struct SmppListener agrees {
        /// Name in logs and metrics.
        name: Name = "smpp",
        /// Address and port. Port 0 lets the system choose.
        address: SocketAddr = "127.0.0.1:2775",
        /// TLS, where the listener speaks it.
        tls: Option<TlsListener>,
        /// Sessions on this listener, bound or not.
        max_sessions: Count<1, 100_000> = 1_000,
        /// Connections that have not bound yet.
        max_unbound: Count<1, 10_000> = 200,
        /// Connections from one address, bound or not; `max_sessions` when it is not set.
        max_per_address: Option<Count<1, 100_000>> => 100,
        /// Connections from one address that have not bound yet; three quarters of `max_unbound` when it is not set, so
        /// that no address can have all places.
        max_unbound_per_address: Option<Count<1, 10_000>> => 50,
        /// Binds that are looked at in a second, from all addresses together.
        max_binds_per_second: Count<1, 10_000> = 200,
        /// A connection must bind within this time (session_init_timer, SMPP 3.4, 7.2).
        bind_timeout: Period = "10s",
        /// Silence after which we ask whether the peer is there (enquire_link_timer); 0s for never.
        enquire_link: Period = "30s",
        /// Silence after which we unbind (inactivity_timer); 0s for never.
        inactivity: Period = "10m",
        /// How long a peer may take to answer (response_timer).
        response_timeout: Period = "30s",
        /// A peer that reads nothing for so long is disconnected.
        write_timeout: Period = "30s",
        /// Largest PDU that is read.
        max_pdu: ByteSize = "64KiB",
    }
}

settings! {
    /// What a flood of wrong passwords brings.
    pub struct LockOutSettings {
        /// Wrong passwords of one address within the time below.
        failures_per_address: Count<1, 1_000> = 10,
        /// Wrong passwords for one account from one address within the time below. A locked account is still open
        /// to other addresses, so that nobody can lock out another.
        failures_per_account: Count<1, 1_000> = 5,
        /// The time in which they count.
        within: Period = "60s",
        /// How long the address, or the account from it, is locked.
        lasts: Period = "5m",
        /// Addresses that are remembered; the oldest goes first.
        remembered: Count<64, 1_000_000> = 65_536,
    }
}

impl Agreement for SmppSettings {
    fn check(&self, at: &Cursor<'_>, problems: &mut Problems<'_>) {
        let Some(list) = at.key("listen") else { return };
        for (index, item) in list.items().enumerate() {
            let Some(listener) = self.listen.get(index) else { return };
            for earlier in &self.listen[..index] {
                if earlier.address == listener.address && listener.address.port() != 0 {
                    let reason = format!("the listener `{}` has {} already", earlier.name, earlier.address);
                    problems.conflict(&item, "address", reason);
                }
                if earlier.name == listener.name {
                    let reason = format!("another listener is called `{}` already", earlier.name);
                    problems.conflict(&item, "name", reason);
                }
            }
        }
    }
}

impl Agreement for SmppListener {
    fn check(&self, at: &Cursor<'_>, problems: &mut Problems<'_>) {
        let asks = !self.enquire_link.is_zero() && !self.inactivity.is_zero();
        if asks && self.inactivity <= self.enquire_link {
            let reason = format!("must be longer than enquire_link, which is {}", self.enquire_link);
            problems.conflict(at, "inactivity", reason);
        }
        if self.bind_timeout.is_zero() {
            problems.conflict(at, "bind_timeout", "must be longer than 0s");
        }
        if self.max_pdu < ByteSize::new(4096) || self.max_pdu > ByteSize::new(1 << 20) {
            problems.conflict(at, "max_pdu", "must be from 4KiB to 1MiB");
        }
    }
}
