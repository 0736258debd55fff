//! Processes and commands.

use serde::{Deserialize, Serialize};

use super::few::{WORDS, few};

/// A running program.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Process {
    /// Its number.
    pub pid: u32,
    /// Its short name.
    pub name: String,
    /// The number of the process that started it.
    pub ppid: Option<u32>,
    /// The program and its arguments, at most 4096.
    #[serde(deserialize_with = "few::<WORDS, _, _>")]
    pub cmdline: Vec<String>,
}

/// What `process.shell` takes.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct ShellParams {
    /// What the host's shell is to carry out.
    pub command: String,
    /// Seconds that it may take; absent is the host's own limit.
    pub timeout: Option<f64>,
    /// The folder to be in.
    pub cwd: Option<String>,
    /// What the host's own environment is overlaid with, at most 4096 entries.
    #[serde(deserialize_with = "few::<WORDS, _, _>")]
    pub env: Vec<(String, String)>,
    /// Whether what it had written is the answer when its time is over, in place of the error `timeout`.
    pub partial: bool,
}

/// What `process.exec` takes.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct ExecParams {
    /// The program and its arguments, at most 4096.
    #[serde(deserialize_with = "few::<WORDS, _, _>")]
    pub argv: Vec<String>,
    /// Seconds that it may take; absent is the host's own limit.
    pub timeout: Option<f64>,
    /// The folder to be in.
    pub cwd: Option<String>,
    /// What the host's own environment is overlaid with, at most 4096 entries.
    #[serde(deserialize_with = "few::<WORDS, _, _>")]
    pub env: Vec<(String, String)>,
    /// What the program reads from its standard input; absent is nothing.
    #[serde(with = "serde_bytes")]
    pub stdin: Option<Vec<u8>>,
    /// Whether what it had written is the answer when its time is over, in place of the error `timeout`.
    pub partial: bool,
}

/// A command that has ended.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct CompletedCommand {
    /// Its exit code; the negative number of the signal that ended it.
    pub returncode: i32,
    /// What it wrote to its standard output.
    #[serde(with = "serde_bytes")]
    pub stdout: Vec<u8>,
    /// What it wrote to its standard error.
    #[serde(with = "serde_bytes")]
    pub stderr: Vec<u8>,
    /// Seconds that it took.
    pub duration: f64,
    /// Whether its time was over and it was killed. Only of one that was called with `partial`.
    pub timed_out: bool,
}

/// Names a command that a session has started.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
pub struct CommandId(pub u64);

/// What `process.start` takes.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct StartParams {
    /// The program and its arguments, at most 4096.
    #[serde(deserialize_with = "few::<WORDS, _, _>")]
    pub argv: Vec<String>,
    /// Seconds that it may take; absent is as long as the session.
    pub timeout: Option<f64>,
    /// The folder to be in.
    pub cwd: Option<String>,
    /// What the host's own environment is overlaid with, at most 4096 entries.
    #[serde(deserialize_with = "few::<WORDS, _, _>")]
    pub env: Vec<(String, String)>,
    /// Whether it reads what `process.write` gives; otherwise its standard input is empty.
    pub stdin: bool,
}

/// A command that runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct StartedCommand {
    /// By what the session names it.
    pub id: CommandId,
}

/// What `process.output` takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct OutputParams {
    /// The command.
    pub id: CommandId,
}

/// What a command wrote since the item before, and in the last item how it ended.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct CommandOutput {
    /// What it wrote to its standard output.
    #[serde(with = "serde_bytes")]
    pub stdout: Vec<u8>,
    /// What it wrote to its standard error.
    #[serde(with = "serde_bytes")]
    pub stderr: Vec<u8>,
    /// How it ended: then nothing more comes.
    pub ended: Option<CommandEnd>,
}

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct CommandEnd {
    /// Its exit code; the negative number of the signal that ended it.
    pub returncode: i32,
    /// Whether it was killed because its time was over.
    pub timed_out: bool,
    /// Seconds that it took.
    pub duration: f64,
}

/// What `process.write` takes.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct CommandInput {
    /// The command.
    pub id: CommandId,
    /// What it is to read from its standard input.
    #[serde(with = "serde_bytes")]
    pub data: Vec<u8>,
    /// Whether that is all.
    pub eof: bool,
}

/// What became of a command's input.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct InputTaken {
    /// Whether it takes more. False when it has ended, closed its standard input, or was told that this was all.
    pub open: bool,
}

/// What `process.signal` takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct SignalParams {
    /// The command.
    pub id: CommandId,
    /// What it is told.
    pub signal: CommandSignal,
}

/// A signal for a command and all that it started in its process group.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CommandSignal {
    /// As Ctrl-C in a terminal.
    Interrupt,
    /// Asks it to end.
    #[default]
    Terminate,
    /// Ends it.
    Kill,
}
