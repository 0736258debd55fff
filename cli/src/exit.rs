//! How the program ends.

use core::fmt;
use core::sync::atomic::{AtomicU8, Ordering};
use std::process::ExitCode;

use opendesk_core::{ErrorCode, Reason};
use opendesk_std::api::RefusalInfo;
use opendesk_std::client::ClientError;
use opendesk_std::home::{HomeError, HomeErrorKind};
use opendesk_std::host::StartError;
use opendesk_std::tools::{Output, ToolError};
use opendesk_tokio::view::ViewError;

/// The table that `--help` and docs/cli.md show.
pub(crate) const HELP: &str = "\
Exit codes:
  0    done
  1    failed
  2    the command line is wrong
  3    the other machine cannot be reached, or did not answer in time
  4    another controller is driving the other machine
  5    not trusted: wrong code, unknown peer, or refused by the machine or its owner
  6    the home directory, a file in it, or the log file cannot be used
  7    this machine cannot serve: the port is in use, or there is no desktop
  130  interrupted; 143 when it was asked to end (SIGTERM), 129 with its terminal (SIGHUP)
What runs until somebody ends it, such as serve, view and discover --watch, ends with 0 then; mcp does not.";

/// What ended the program, as a signal's number: 2 (SIGINT) unless it was another.
static SIGNAL: AtomicU8 = AtomicU8::new(2);

/// The program was told to end by this signal.
pub(crate) fn ended_by(signal: u8) {
    SIGNAL.store(signal, Ordering::Relaxed);
}

/// Why the program fails: one line, and the code it exits with.
#[derive(Debug)]
pub(crate) struct Failure {
    code: u8,
    message: String,
    is_told: bool,
    /// What a busy machine told of who drives it.
    busy: Option<Box<RefusalInfo>>,
}

impl Failure {
    const fn new(code: u8, message: String) -> Self {
        Self { code, message, is_told: false, busy: None }
    }

    /// Anything without a code of its own.
    pub(crate) fn failed(message: impl Into<String>) -> Self {
        Self::new(1, message.into())
    }

    /// What the command line asks for makes no sense.
    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self::new(2, message.into())
    }

    /// A file of our own cannot be used.
    pub(crate) fn unusable(message: impl Into<String>) -> Self {
        Self::new(6, message.into())
    }

    /// There is nobody of that name.
    pub(crate) fn untrusted(message: impl Into<String>) -> Self {
        Self::new(5, message.into())
    }

    /// A tool failed, and gave this.
    pub(crate) fn of_tool(output: &Output, message: impl Into<String>) -> Self {
        if output.is_refused { Self::untrusted(message) } else { Self::failed(message) }
    }

    /// What was written on the command line cannot be what a file of ours holds.
    pub(crate) fn argument(error: HomeError) -> Self {
        if error.kind() == HomeErrorKind::Invalid { Self::usage(error.to_string()) } else { error.into() }
    }

    /// The same code in other words.
    pub(crate) fn with_message(&self, message: impl Into<String>) -> Self {
        Self::new(self.code, message.into())
    }

    /// The same with something behind it.
    pub(crate) fn adding(self, more: &str) -> Self {
        Self { message: self.message + more, ..self }
    }

    /// The same line with another code.
    pub(crate) fn with_code(self, code: u8) -> Self {
        Self { code, ..self }
    }

    /// A command on another machine ended so, which it has said itself if it wanted to.
    pub(crate) const fn of_command(code: u8) -> Self {
        Self { code, message: String::new(), is_told: true, busy: None }
    }

    /// Whether there is nothing to say.
    pub(crate) const fn is_silent(&self) -> bool {
        self.message.is_empty()
    }

    /// The same, when the JSON that was printed says so already.
    pub(crate) fn told(self) -> Self {
        Self { is_told: true, ..self }
    }

    /// What a busy machine told of who drives it.
    pub(crate) fn busy(&self) -> Option<&RefusalInfo> {
        self.busy.as_deref()
    }

    pub(crate) const fn is_told(&self) -> bool {
        self.is_told
    }

    /// The person ended it.
    pub(crate) fn interrupted() -> Self {
        Self::new(128 + SIGNAL.load(Ordering::Relaxed), "interrupted".to_owned())
    }

    pub(crate) fn code(&self) -> ExitCode {
        ExitCode::from(self.code)
    }

    pub(crate) const fn number(&self) -> u8 {
        self.code
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

const fn code_of(reason: Reason) -> u8 {
    match reason {
        Reason::BUSY => 4,
        Reason::UNTRUSTED
        | Reason::REFUSED
        | Reason::WRONG_CODE
        | Reason::WRONG_HOST
        | Reason::NOT_PAIRING
        | Reason::EVICTED
        | Reason::REPLACED => 5,
        Reason::TIMEOUT | Reason::SILENT | Reason::LOST | Reason::SHUTDOWN => 3,
        _ => 1,
    }
}

impl From<ClientError> for Failure {
    fn from(error: ClientError) -> Self {
        let message = error.to_string();
        match error {
            ClientError::Unreachable { .. } | ClientError::Timeout { .. } | ClientError::Unknown { .. } => {
                Self::new(3, message)
            }
            ClientError::WrongCode { .. }
            | ClientError::WrongHost { .. }
            | ClientError::NotRecognised { .. }
            | ClientError::OtherHost(_)
            | ClientError::Unproven => Self::new(5, message),
            ClientError::NameTaken { .. } => Self::usage(message),
            ClientError::Refused { reason: Reason::BUSY, info } => {
                Self { busy: info.map(Box::new), ..Self::new(code_of(Reason::BUSY), message) }
            }
            ClientError::Refused { reason, .. } | ClientError::Closed(reason) => Self::new(code_of(reason), message),
            ClientError::Call(error) if error.code == ErrorCode::PermissionDenied => Self::new(5, message),
            ClientError::Call(_) => Self::new(1, message),
            ClientError::Home(error) => error.into(),
        }
    }
}

impl From<HomeError> for Failure {
    fn from(error: HomeError) -> Self {
        let code = match error.kind() {
            HomeErrorKind::Invalid | HomeErrorKind::Taken => 1,
            HomeErrorKind::Io | HomeErrorKind::Corrupt | HomeErrorKind::Foreign | HomeErrorKind::Busy => 6,
        };
        Self::new(code, error.to_string())
    }
}

impl From<StartError> for Failure {
    fn from(error: StartError) -> Self {
        let code = match error {
            StartError::Listen { .. } | StartError::Desktop(_) | StartError::Person { .. } => 7,
            StartError::Home(_) => 6,
            StartError::Record(_) => 1,
        };
        Self::new(code, error.to_string())
    }
}

impl From<ViewError> for Failure {
    fn from(error: ViewError) -> Self {
        Self::new(7, error.to_string())
    }
}

impl From<ToolError> for Failure {
    fn from(error: ToolError) -> Self {
        let message = error.to_string();
        match error {
            ToolError::Peer { error, .. } => Self { message, ..Self::from(error) },
            ToolError::Home(error) => error.into(),
            ToolError::Several(names) => Self::untrusted(format!(
                "several machines are paired ({}) and none is chosen; name one, or choose one for all that comes with `opendesk \
                 peers default NAME`",
                names.join(", ")
            )),
            ToolError::Unknown { .. } => Self::untrusted(message),
            ToolError::Arguments(_) | ToolError::NoSuchTool(_) => Self::usage(message),
            ToolError::Desktop(error) if error.code == ErrorCode::PermissionDenied => Self::untrusted(message),
            ToolError::Ask(_) => Self::untrusted(message),
            ToolError::Desktop(_) => Self::failed(message),
        }
    }
}
