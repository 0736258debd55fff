//! Commands that are read while they run, of which there are none.

use crate::api::{
    CommandEnd, CommandInput, CommandOutput, CommandSignal, Effect, Error, InputTaken, Result, StartParams,
};
use crate::cancel::Cancel;
use crate::os::command::Variable;

/// Takes an answer: it must not block.
pub(crate) type Reply<T> = Box<dyn FnOnce(T) + Send>;

/// A command that runs.
#[derive(Debug)]
pub(crate) enum Live {}

impl Live {
    /// # Errors
    /// Always `capability_unsupported`.
    pub(crate) fn start(
        _params: StartParams,
        _session: &[Variable],
        _cancel: Cancel,
        _begun: Reply<Result<()>>,
        _gone: Reply<Option<CommandEnd>>,
    ) -> Result<Self> {
        Err(Error::unsupported("process.shell", std::env::consts::OS))
    }

    pub(crate) fn read(&self, _reply: Reply<CommandOutput>) {
        match *self {}
    }

    pub(crate) fn write(&self, _input: CommandInput, _cancel: Cancel, _reply: Reply<Result<InputTaken>>) {
        match *self {}
    }

    pub(crate) fn signal(&self, _signal: CommandSignal, _reply: Reply<Result<Effect>>) {
        match *self {}
    }
}
