//! Frames of version 1, as strict as its peers are: an unknown key ends the session, a known one is coerced as they do.

use heapless::Vec;

use super::msgpack::{Reader, Value, Writer};
use crate::dialect::Layout;
use crate::frame::{Frame, Header, Hello, PROTOCOL, Role, SessionKind};
use crate::id::OperationId;
use crate::limits::{ANSWERS, BODY_BYTES};
use crate::reason::{ErrorCode, Malformed, Reason};

const NO_OPERATION: OperationId = [0; 16];

/// The topic by which a host says that it ends the session, and the only reason that is ever given.
const EVICTED: &str = "session.evicted";
const EVICTION: &str = "admin_disconnect";

/// A request that has no final answer yet.
#[derive(Debug, Clone, Copy)]
struct Name {
    /// What the other side calls it; any integer.
    wire: i64,
    /// What this side calls it.
    id: u32,
    is_stream: bool,
    items: i64,
}

/// What one end of a link knows of what was said.
#[derive(Debug)]
pub(crate) struct Talk {
    role: Role,
    /// Whether the other side has said its hello.
    greeted: bool,
    /// Whether this side has.
    has_greeted: bool,
    last: u32,
    names: Vec<Name, ANSWERS>,
}

/// The fields of a frame, whatever its type.
#[derive(Default)]
struct Fields<'a> {
    kind: Option<&'a str>,
    role: Option<&'a str>,
    id: Option<i64>,
    method: Option<&'a str>,
    topic: Option<&'a str>,
    stream: Option<bool>,
    end: Option<bool>,
    /// `params`, `capabilities` or `payload`: the one map of the frame that is passed on.
    content: Option<&'a [u8]>,
    result: Option<&'a [u8]>,
    error: Option<(&'a str, &'a [u8])>,
}

/// Which fields a frame of a type may have, besides `v` and `type`.
fn fields_of(kind: &str) -> Option<&'static [&'static str]> {
    Some(match kind {
        "hello" => &["role", "principal", "auth", "capabilities", "error"],
        "req" => &["id", "method", "stream", "params"],
        "res" => &["id", "seq", "end", "result", "error"],
        "cancel" => &["id", "reason"],
        "push" => &["topic", "payload"],
        _ => return None,
    })
}

fn map<'a>(value: Value<'_>, raw: &'a [u8]) -> Result<&'a [u8], Malformed> {
    if let Value::Map(_) = value { Ok(raw) } else { Err(Malformed) }
}

/// The code of an `ErrorInfo`, and all of it.
fn error(raw: &[u8]) -> Result<(&str, &[u8]), Malformed> {
    let mut reader = Reader::new(raw);
    let Value::Map(length) = reader.value()? else { return Err(Malformed) };
    let mut code = "internal";
    for _ in 0..length {
        let key = reader.key()?;
        let (value, raw) = reader.raw()?;
        match key {
            "code" => code = value.text()?,
            "message" => drop(value.text()?),
            "details" => drop(map(value, raw)?),
            _ => return Err(Malformed),
        }
    }
    Ok((code, raw))
}

impl<'a> Fields<'a> {
    fn read(plaintext: &'a [u8]) -> Result<Self, Malformed> {
        let mut reader = Reader::new(plaintext);
        let Value::Map(length) = reader.value()? else { return Err(Malformed) };
        let mut fields = Self::default();
        let mut keys: Vec<&str, 8> = Vec::new();
        for _ in 0..length {
            let key = reader.key()?;
            // A key that comes twice counts as its last value on the other side; nobody sends that.
            if keys.contains(&key) || keys.push(key).is_err() {
                return Err(Malformed);
            }
            let (value, raw) = reader.raw()?;
            match key {
                "v" | "seq" => drop(value.integer()?),
                "type" => fields.kind = Some(value.text()?),
                "role" => fields.role = Some(value.text()?),
                "principal" | "reason" => drop(value.text()?),
                "auth" => drop(map(value, raw)?),
                "capabilities" | "params" | "payload" => fields.content = Some(map(value, raw)?),
                "id" => fields.id = Some(value.integer()?),
                "method" => fields.method = Some(value.text()?),
                "topic" => fields.topic = Some(value.text()?),
                "stream" => fields.stream = Some(value.truth()?),
                "end" => fields.end = Some(value.truth()?),
                "result" | "error" if value == Value::Nil => {}
                "result" => fields.result = Some(map(value, raw)?),
                "error" => fields.error = Some(error(map(value, raw)?)?),
                _ => return Err(Malformed),
            }
        }
        if !reader.is_at_end() {
            return Err(Malformed);
        }
        let kind = fields.kind.ok_or(Malformed)?;
        let allowed = fields_of(kind).ok_or(Malformed)?;
        let known = |key: &&str| matches!(*key, "v" | "type") || allowed.contains(key);
        if keys.iter().all(known) { Ok(fields) } else { Err(Malformed) }
    }
}

/// The code of version 1 with this name; codes of later versions read as `internal`.
fn code_of(word: &str) -> ErrorCode {
    ErrorCode::ALL.into_iter().find(|code| code.word() == word).unwrap_or(ErrorCode::Internal)
}

/// Why a host gives no session, by the code that it says.
const fn reason_of(code: ErrorCode) -> Reason {
    match code {
        ErrorCode::Busy => Reason::BUSY,
        ErrorCode::PermissionDenied => Reason::REFUSED,
        ErrorCode::CapabilityUnsupported => Reason::UNSUPPORTED,
        ErrorCode::InvalidArgument
        | ErrorCode::NotFound
        | ErrorCode::Timeout
        | ErrorCode::Cancelled
        | ErrorCode::Internal
        | ErrorCode::Protocol
        | ErrorCode::LimitExceeded => Reason::UNAVAILABLE,
    }
}

const EMPTY: &[u8] = &[0x80];
const NIL: &[u8] = &[0xc0];

/// The method and the parameters of a request, for whoever reads a record without taking part; `None` for all else.
#[must_use]
pub fn read_request(plaintext: &[u8]) -> Option<(&str, &[u8])> {
    let fields = Fields::read(plaintext).ok()?;
    let method = fields.method.filter(|_| fields.kind == Some("req"))?;
    Some((method, fields.content.unwrap_or(EMPTY)))
}

impl Talk {
    pub(crate) const fn new(role: Role) -> Self {
        Self { role, greeted: false, has_greeted: false, last: 0, names: Vec::new() }
    }

    /// Takes a record's plaintext apart.
    pub(crate) fn decode<'a>(&mut self, plaintext: &'a [u8]) -> Result<Frame<'a>, Malformed> {
        let fields = Fields::read(plaintext)?;
        match (fields.kind.unwrap_or_default(), self.role) {
            ("hello", _) => self.hello(&fields),
            ("req", Role::Host) => self.request(&fields),
            ("cancel", Role::Host) => {
                let wire = fields.id.ok_or(Malformed)?;
                let known = self.names.iter().find(|name| name.wire == wire);
                Ok(known.map_or(Frame::Skipped, |name| Frame::Known(Header::Cancel { id: name.id }, &[])))
            }
            ("res", Role::Controller) => self.answer(&fields),
            ("push", Role::Controller) => Ok(match fields.topic.ok_or(Malformed)? {
                EVICTED => Frame::Known(Header::Close { reason: Reason::EVICTED }, &[]),
                _ => Frame::Skipped,
            }),
            // What the other side of a role says is ignored, as its own kind does.
            ("req" | "cancel", Role::Controller) => fields.id.map(|_| Frame::Skipped).ok_or(Malformed),
            ("res", Role::Host) => fields.id.map(|_| Frame::Skipped).ok_or(Malformed),
            ("push", Role::Host) => fields.topic.map(|_| Frame::Skipped).ok_or(Malformed),
            _ => Err(Malformed),
        }
    }

    fn hello<'a>(&mut self, fields: &Fields<'a>) -> Result<Frame<'a>, Malformed> {
        if !matches!(fields.role, Some("client" | "server")) {
            return Err(Malformed);
        }
        // A later one replaces what was told and changes nothing else.
        if core::mem::replace(&mut self.greeted, true) {
            return Ok(Frame::Skipped);
        }
        if self.role == Role::Host && fields.error.is_some() {
            // A controller that finds fault before it has begun.
            return Ok(Frame::Known(Header::Close { reason: Reason::DONE }, &[]));
        }
        // That the role is the right one is not checked by this version's peers either.
        let role = if self.role == Role::Host { Role::Controller } else { Role::Host };
        let hello = Hello {
            role,
            kind: SessionKind::CONTROL,
            protocol: PROTOCOL,
            signed: None,
            error: fields.error.map(|(code, _)| reason_of(code_of(code))),
            memory: 0,
        };
        let body = fields.error.map_or_else(|| fields.content.unwrap_or(EMPTY), |(_, raw)| raw);
        Ok(Frame::Known(Header::Hello(hello), body))
    }

    fn request<'a>(&mut self, fields: &Fields<'a>) -> Result<Frame<'a>, Malformed> {
        let (wire, method) = (fields.id.ok_or(Malformed)?, fields.method.ok_or(Malformed)?);
        if self.names.iter().any(|name| name.wire == wire) {
            return Err(Malformed);
        }
        let id = self.last.checked_add(1).ok_or(Malformed)?;
        let is_stream = fields.stream.unwrap_or(false);
        self.names.push(Name { wire, id, is_stream, items: 0 }).map_err(|_| Malformed)?;
        self.last = id;
        let params = fields.content.unwrap_or(EMPTY);
        let total = u32::try_from(params.len()).map_err(|_| Malformed)?;
        let header = Header::Request { id, operation: NO_OPERATION, method, total, stream: Some(is_stream) };
        Ok(Frame::Known(header, params))
    }

    fn answer<'a>(&mut self, fields: &Fields<'a>) -> Result<Frame<'a>, Malformed> {
        let wire = fields.id.ok_or(Malformed)?;
        let Some(index) = self.names.iter().position(|name| name.wire == wire) else { return Ok(Frame::Skipped) };
        let length = |body: &[u8]| u32::try_from(body.len()).ok().filter(|_| body.len() <= BODY_BYTES).ok_or(Malformed);
        let id = self.names.get(index).ok_or(Malformed)?.id;
        if let Some((code, raw)) = fields.error {
            self.names.swap_remove(index);
            let status = code_of(code) as u16;
            return Ok(Frame::Known(Header::Response { id, status, total: length(raw)? }, raw));
        }
        let is_stream = self.names.get(index).is_some_and(|name| name.is_stream);
        if fields.end.unwrap_or(true) || !is_stream {
            self.names.swap_remove(index);
            let body = fields.result.unwrap_or(NIL);
            return Ok(Frame::Known(Header::Response { id, status: 0, total: length(body)? }, body));
        }
        Ok(match fields.result {
            Some(item) => Frame::Known(Header::Item { id, total: length(item)? }, item),
            None => Frame::Skipped,
        })
    }

    /// Writes what comes before the body of a frame, every field of it in the order in which the other side writes them;
    /// `None` for what this version does not say.
    pub(crate) fn encode(
        &mut self,
        header: &Header<'_>,
        total: u32,
        is_text: bool,
        out: &mut [u8],
    ) -> Result<Option<Layout>, Malformed> {
        let mut writer = Writer::new(out);
        let tail: &[u8] = match *header {
            Header::Hello(hello) => {
                self.has_greeted = true;
                self.greeting(&mut writer, &hello, total);
                if hello.error.is_some() { &[] } else { b"\xa5error\xc0" }
            }
            Header::Request { id, method, stream, .. } => {
                let is_stream = stream.unwrap_or(false);
                let name = Name { wire: i64::from(id), id, is_stream, items: 0 };
                self.names.push(name).map_err(|_| Malformed)?;
                writer.map(6).text("v").int(1).text("type").text("req").text("id").int(i64::from(id));
                writer.text("method").text(method).text("stream").bool(is_stream).text("params");
                or_default(&mut writer, total, EMPTY);
                &[]
            }
            Header::Response { id, status, .. } => {
                let index = self.names.iter().position(|name| name.id == id).ok_or(Malformed)?;
                let name = self.names.swap_remove(index);
                head(&mut writer, &name, true);
                if status == 0 {
                    writer.text("result");
                    or_default(&mut writer, total, NIL);
                    b"\xa5error\xc0"
                } else {
                    writer.text("result").nil().text("error");
                    failure(&mut writer, ErrorCode::from_number(status), total, is_text)
                }
            }
            Header::Item { id, .. } => {
                let name = self.names.iter_mut().find(|name| name.id == id).ok_or(Malformed)?;
                head(&mut writer, name, false);
                name.items += 1;
                writer.text("result");
                or_default(&mut writer, total, EMPTY);
                b"\xa5error\xc0"
            }
            Header::Cancel { id } => {
                let Some(index) = self.names.iter().position(|name| name.id == id) else { return Ok(None) };
                self.names.swap_remove(index);
                writer.map(4).text("v").int(1).text("type").text("cancel").text("id").int(i64::from(id));
                writer.text("reason").text("caller cancelled");
                &[]
            }
            Header::Close { reason: Reason::EVICTED | Reason::REPLACED }
                if self.role == Role::Host && self.has_greeted =>
            {
                writer.map(4).text("v").int(1).text("type").text("push").text("topic").text(EVICTED);
                writer.text("payload").map(1).text("reason").text(EVICTION);
                &[]
            }
            Header::Close { .. }
            | Header::Chunk { .. }
            | Header::Push { .. }
            | Header::Ping { .. }
            | Header::Pong { .. }
            | Header::Window { .. } => return Ok(None),
        };
        Ok(Some(Layout { head: writer.finish()?, tail }))
    }

    fn greeting(&self, writer: &mut Writer<'_>, hello: &Hello, total: u32) {
        let role = if self.role == Role::Host { "server" } else { "client" };
        writer.map(7).text("v").int(1).text("type").text("hello").text("role").text(role);
        writer.text("principal").text("").text("auth").map(0).text("capabilities");
        match hello.error {
            Some(reason) => {
                writer.map(0).text("error");
                or_code(writer, total, code_for(reason));
            }
            None => or_default(writer, total, EMPTY),
        }
    }
}

fn head(writer: &mut Writer<'_>, name: &Name, is_end: bool) {
    writer.map(7).text("v").int(1).text("type").text("res").text("id").int(name.wire);
    writer.text("seq").int(name.items).text("end").bool(is_end);
}

/// What stands where a program gives no body.
fn or_default(writer: &mut Writer<'_>, total: u32, default: &[u8]) {
    if total == 0 {
        writer.put(default);
    }
}

/// The error that stands where a program gives none.
fn or_code(writer: &mut Writer<'_>, total: u32, code: ErrorCode) {
    if total == 0 {
        writer.map(1).text("code").text(code.word());
    }
}

/// The code by which a host says why it gives no session.
const fn code_for(reason: Reason) -> ErrorCode {
    match reason {
        Reason::BUSY => ErrorCode::Busy,
        Reason::UNTRUSTED | Reason::REFUSED | Reason::NOT_PAIRING => ErrorCode::PermissionDenied,
        Reason::UNSUPPORTED => ErrorCode::CapabilityUnsupported,
        _ => ErrorCode::Internal,
    }
}

/// An error as its program wrote it; or a line of text in one that is written here. Gives what follows the body.
fn failure(writer: &mut Writer<'_>, code: ErrorCode, total: u32, is_text: bool) -> &'static [u8] {
    // The list of codes is closed, and this one came later; details may say anything.
    let (code, tail): (_, &[u8]) = if code == ErrorCode::LimitExceeded {
        (ErrorCode::Internal, b"\xa7details\x81\xa4code\xaelimit_exceeded")
    } else {
        (code, b"\xa7details\x80")
    };
    if !is_text {
        or_code(writer, total, code);
        return &[];
    }
    writer.map(3).text("code").text(code.word()).text("message").text_head(total as usize);
    tail
}
