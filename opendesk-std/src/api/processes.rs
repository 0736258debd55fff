//! Processes and commands.

use serde::{Deserialize, Serialize};

use super::few::{MANY, few};

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
    #[serde(deserialize_with = "few::<MANY, _, _>")]
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
    #[serde(deserialize_with = "few::<MANY, _, _>")]
    pub env: Vec<(String, String)>,
}

/// What `process.exec` takes.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct ExecParams {
    /// The program and its arguments, at most 4096.
    #[serde(deserialize_with = "few::<MANY, _, _>")]
    pub argv: Vec<String>,
    /// Seconds that it may take; absent is the host's own limit.
    pub timeout: Option<f64>,
    /// The folder to be in.
    pub cwd: Option<String>,
    /// What the host's own environment is overlaid with, at most 4096 entries.
    #[serde(deserialize_with = "few::<MANY, _, _>")]
    pub env: Vec<(String, String)>,
    /// What the program reads from its standard input; absent is nothing.
    #[serde(with = "serde_bytes")]
    pub stdin: Option<Vec<u8>>,
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
}
