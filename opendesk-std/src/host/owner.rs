//! What the owner's programs ask of a running host: through its handle, and over the local socket.

use core::task::{Context, Poll};
use core::time::Duration;

use async_channel::Sender;
use futures_util::Stream;
use opendesk_core::{Misuse, Psk, PublicKey, Reason, Wire, limits};
use serde_json::{Value, json};

use super::admin::{AdminEvent, AdminRequest};
use super::calls::Done;
use super::driver::Server;
use super::handle::{Command, Invitation, SessionInfo};
use super::notice::Notice;
use super::rotation::Rekey;
use crate::clock;
use crate::govern::ask::Answer;
use crate::home::{Peers, Role, Terms, hex};
use crate::runtime::Runtime;

/// What the log and controllers' owners call the answer that a program of the owner gave.
const BY_PROGRAM: &str = "opendesk status";

/// A code that is to be shown.
pub(super) struct Showing {
    invitation: Invitation,
    asked_by: AskedBy,
    /// Set when it begins: a later one makes it void.
    number: u64,
}

enum AskedBy {
    Handle(Sender<Result<(), String>>),
    Program(u64),
}

impl<R: Runtime> Server<R> {
    pub(super) fn poll_commands(&mut self, cx: &mut Context<'_>) -> bool {
        let Poll::Ready(Some(command)) = self.commands.as_mut().poll_next(cx) else { return false };
        match command {
            Command::Stop => self.stop(),
            Command::OpenPairing { invitation, reply } => {
                self.show(Showing { invitation, asked_by: AskedBy::Handle(reply), number: 0 });
            }
            Command::ClosePairing => self.take_back(),
            Command::Sessions { reply } => drop(reply.try_send(self.sessions())),
            Command::Disconnect { reply } => drop(reply.try_send(self.disconnect(None))),
        }
        true
    }

    /// Shows a code, unless whoever proves it could not be stored. To try that, and what the code becomes in version 1, takes a
    /// while, and not on this loop.
    fn show(&mut self, showing: Showing) {
        self.showings += 1;
        let showing = Showing { number: self.showings, ..showing };
        let oldest = showing.invitation.oldest;
        if self.host.oldest() > oldest {
            let why = "this host speaks version 2 only; start `opendesk serve` without --wire 2 to pair over version 1";
            return self.shown(showing, Err(why.to_owned()));
        }
        let (code, home, runtime) = (showing.invitation.code.clone(), self.home.clone(), self.runtime.clone());
        let prepare = move || {
            Peers::has_room(&home).map_err(|error| format!("no code is shown: {error}"))?;
            Ok((oldest == Wire::V1).then(|| Psk::derive(code.as_bytes())))
        };
        self.send_away(Box::pin(async move {
            let psk = runtime.run_blocking(prepare).await;
            Some(Done::Prepared { psk, showing })
        }));
    }

    pub(super) fn prepared(&mut self, psk: Result<Option<Psk>, String>, showing: Showing) {
        if showing.number != self.showings {
            return self.shown(showing, Err("the code was taken back".to_owned()));
        }
        self.shown(showing, psk);
    }

    /// No code is shown any more, nor one that is being made ready.
    pub(super) fn take_back(&mut self) {
        self.showings += 1;
        self.shown_until = None;
        self.host.cancel_pairing();
    }

    fn shown(&mut self, showing: Showing, psk: Result<Option<Psk>, String>) {
        let Showing { invitation, asked_by, .. } = showing;
        let opened = psk.and_then(|psk| self.open_pairing(invitation, psk));
        match (asked_by, opened) {
            (AskedBy::Handle(reply), opened) => drop(reply.try_send(opened)),
            (AskedBy::Program(program), Err(error)) => self.tell(program, Err(error)),
            (AskedBy::Program(program), Ok(())) => {
                let port = self.address.port();
                if let Some(admin) = &mut self.admin {
                    admin.show(program, json!({"ok": true, "port": port}));
                }
            }
        }
    }

    fn open_pairing(&mut self, invitation: Invitation, psk: Option<Psk>) -> Result<(), String> {
        let Invitation { code, lasting, role, trusted_for, .. } = invitation;
        if !(1..=limits::CODE_BYTES).contains(&code.len()) {
            return Err(Misuse::Code.to_string());
        }
        // Whoever shows another code hears that it is void, before this one begins.
        self.host.cancel_pairing();
        self.poll_events();
        let until = self.now().after(lasting);
        self.host.open_pairing(code.as_bytes(), until).map_err(|misuse| misuse.to_string())?;
        self.shown_until = Some(self.runtime.now() + lasting);
        self.offered = (role, trusted_for);
        let mut how = format!("for {} s", lasting.as_secs());
        if role == Role::Observe {
            how.push_str(", to look only");
        }
        if let Some(trusted_for) = trusted_for {
            how.push_str(&format!(", trusted for {} s", trusted_for.as_secs()));
        }
        if let Some(psk) = psk {
            self.host.allow_version_1(psk).map_err(|misuse| misuse.to_string())?;
            how.push_str(", version 1 too");
        }
        self.govern.trust("pairing.opened", None, &how);
        self.notify(Notice::PairingOpened);
        Ok(())
    }

    /// On which terms whoever proves the code now is trusted.
    pub(super) fn terms(&self) -> Terms {
        let (role, trusted_for) = self.offered;
        Terms { role, expires_at: trusted_for.map(|time| clock::epoch_seconds() + time.as_secs_f64()) }
    }

    pub(super) fn sessions(&self) -> Vec<SessionInfo> {
        let Some((id, key, _)) = self.host.controller() else { return Vec::new() };
        let Some((link, session)) = self.links.get(&id).and_then(|link| Some((link, link.session.as_ref()?))) else {
            return Vec::new();
        };
        vec![SessionInfo {
            id: session.subject.session.clone(),
            peer_name: session.subject.peer.name.clone(),
            peer_pubkey_hex: key.to_string(),
            remote_addr: link.address.clone(),
            started_at: session.started_at,
            age_seconds: self.runtime.now().saturating_duration_since(session.opened).as_secs_f64(),
            mode: session.mode.to_owned(),
        }]
    }

    /// Ends the session that drives, or only if it is the one with this number.
    pub(super) fn disconnect(&mut self, session: Option<&str>) -> usize {
        let found = self.sessions().into_iter().any(|open| session.is_none_or(|id| id == open.id));
        let Some((id, ..)) = self.host.controller().filter(|_| found) else { return 0 };
        self.govern.administered("the session was ended by the owner");
        self.host.close(self.now(), id, Reason::EVICTED);
        1
    }

    pub(super) fn poll_admin(&mut self, cx: &mut Context<'_>) -> bool {
        let Some((progress, happened)) = self.admin.as_mut().map(|admin| admin.poll(cx)) else { return false };
        for event in happened {
            match event {
                AdminEvent::Asked(program, request) => self.answer_admin(program, request),
                AdminEvent::TookBack => self.take_back(),
            }
        }
        progress
    }

    /// Tells the programs that follow what has happened since. Whether there was anything: then they have to be polled.
    pub(super) fn tell_followers(&mut self) -> bool {
        let Some(admin) = self.admin.as_mut().filter(|admin| admin.is_followed()) else {
            self.govern.skip_news();
            return false;
        };
        let calls = self.govern.news();
        let mut any = !calls.is_empty();
        while let Ok(event) = self.told.1.try_recv() {
            admin.happened(&event);
            any = true;
        }
        for call in calls {
            admin.happened(&json!({"event": "call", "call": call}));
        }
        any
    }

    /// Whether somebody watches who could answer what the owner is asked.
    pub(super) fn is_watched(&self) -> bool {
        self.admin.as_ref().is_some_and(|admin| admin.is_followed())
    }

    fn answer_admin(&mut self, program: u64, request: Result<AdminRequest, String>) {
        let answer = request.and_then(|request| match request.op.as_str() {
            "pair" => self.pair_for(program, &request).map(|()| None),
            "close_pairing" => {
                let was_open = self.shown_until.is_some();
                self.take_back();
                Ok(Some(json!({"ok": true, "closed": was_open})))
            }
            "unpair" => {
                let key = request.id.as_ref().and_then(Value::as_str).and_then(hex::decode_key);
                let key = key.ok_or("unpair needs the key of a peer, in hex")?;
                self.unpair(program, PublicKey(key));
                Ok(None)
            }
            "status" => {
                self.govern.look_at_log();
                Ok(Some(json!({"ok": true, "status": self.status()})))
            }
            "follow" => {
                if let Some(admin) = &mut self.admin {
                    admin.follow(program);
                }
                Ok(None)
            }
            "decide" => {
                let (Some(number), Some(allow)) = (request.number, request.allow) else {
                    return Err("decide needs a number and whether to allow".to_owned());
                };
                let by = BY_PROGRAM;
                let answer = if allow { Answer::Allowed { by } } else { Answer::Denied { by } };
                self.decide_held(number, answer).map(|()| Some(json!({"ok": true})))
            }
            "reload" => {
                self.home_changed();
                Ok(Some(json!({"ok": true})))
            }
            "acknowledge_audit" => {
                let was_altered = self.govern.acknowledge();
                Ok(Some(json!({"ok": true, "altered": was_altered})))
            }
            "rotate_identity" => self.rekey(program, Rekey::Rotate).map(|()| None),
            "forget_former_keys" => self.rekey(program, Rekey::Forget).map(|()| None),
            "list" => Ok(Some(json!({"ok": true, "sessions": self.sessions()}))),
            "kill" => {
                let Some(Value::String(id)) = &request.id else {
                    return Err("kill needs the id of a session".to_owned());
                };
                let killed = self.disconnect(Some(id));
                Ok(Some(json!({"ok": killed > 0, "killed": killed})))
            }
            "kill_all" => Ok(Some(json!({"ok": true, "killed": self.disconnect(None)}))),
            other => Err(format!("no operation is called {other:?}")),
        });
        let answer = answer.unwrap_or_else(|error| Some(refusal(&error)));
        if let (Some(answer), Some(admin)) = (answer, &mut self.admin) {
            admin.answer(program, answer);
        }
    }

    /// Tells a program what came of what it asked for a while ago.
    pub(super) fn tell(&mut self, program: u64, result: Result<(), String>) {
        if let Some(admin) = &mut self.admin {
            admin.answer(program, result.map_or_else(|error| refusal(&error), |()| json!({"ok": true})));
        }
    }

    fn pair_for(&mut self, program: u64, request: &AdminRequest) -> Result<(), String> {
        let code = request.code.as_deref().ok_or("pair needs a code")?;
        let seconds = request.seconds.unwrap_or(limits::PAIRING.as_secs());
        if !(1..=3600).contains(&seconds) {
            return Err("a code is shown for 1 to 3600 seconds".to_owned());
        }
        let oldest = match request.wire {
            None | Some(2) => Wire::V2,
            Some(1) => Wire::V1,
            Some(other) => return Err(format!("there is no version {other} of the wire")),
        };
        let role = request.role.as_deref().unwrap_or_else(|| Role::default().word());
        let role: Role = role.parse().map_err(|_| format!("there is no role {role:?}; there are full and observe"))?;
        let trusted_for = request.trusted_for.map(Duration::from_secs);
        let lasting = Duration::from_secs(seconds);
        let invitation = Invitation { code: code.to_owned(), lasting, oldest, role, trusted_for };
        self.show(Showing { invitation, asked_by: AskedBy::Program(program), number: 0 });
        Ok(())
    }
}

fn refusal(error: &str) -> Value {
    json!({"ok": false, "error": error})
}
