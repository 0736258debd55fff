//! What is done with files and programs.

use super::{misplaced, told};
use crate::api::{
    Call, Codec, FsDelete, FsList, FsMkdir, FsMove, FsRead, FsSetstat, FsStat, FsWrite, ProcessExec, ProcessList,
    ProcessShell, Result,
};
use crate::cancel::Cancel;
use crate::os::command::{self, Variable};
use crate::os::{Files, processes};

pub(super) fn run(files: &Files, session: &[Variable], call: &Call, codec: Codec, cancel: &Cancel) -> Result<Vec<u8>> {
    match call {
        Call::FsRead(params) => told::<FsRead>(codec, files.read(params)),
        Call::FsWrite(params) => told::<FsWrite>(codec, files.write(params)),
        Call::FsList(params) => told::<FsList>(codec, files.list(params)),
        Call::FsStat(params) => told::<FsStat>(codec, files.stat(params)),
        Call::FsDelete(params) => told::<FsDelete>(codec, files.delete(params, cancel)),
        Call::FsMove(params) => told::<FsMove>(codec, files.rename(params, cancel)),
        Call::FsMkdir(params) => told::<FsMkdir>(codec, files.mkdir(params)),
        Call::FsSetstat(params) => told::<FsSetstat>(codec, files.set_stat(params)),
        Call::ProcessList(()) => told::<ProcessList>(codec, processes::list()),
        Call::ProcessShell(params) => told::<ProcessShell>(codec, command::run_shell(params, session, cancel)),
        Call::ProcessExec(params) => told::<ProcessExec>(codec, command::run_exec(params, session, cancel)),
        other => Err(misplaced(other)),
    }
}
