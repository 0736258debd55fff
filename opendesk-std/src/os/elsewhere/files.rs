//! The files of this machine, which no call can use.

use std::path::PathBuf;

use crate::api::{
    DirectoryParams, FileData, FileEntry, FileMoveParams, FileParams, FileReadParams, FileWriteParams, Result,
    SetstatParams,
};
use crate::cancel::Cancel;

/// Files as calls use them: there are none on this system, whose directories have no handles that lead on.
#[derive(Debug, Clone)]
pub enum Files {}

impl Files {
    /// Nothing: no call can use files here.
    #[must_use]
    pub fn offered(_protected: PathBuf) -> Option<Self> {
        None
    }

    pub(crate) fn read(&self, _params: &FileReadParams) -> Result<FileData> {
        match *self {}
    }

    pub(crate) fn write(&self, _params: &FileWriteParams) -> Result<()> {
        match *self {}
    }

    pub(crate) fn list(&self, _params: &FileParams) -> Result<Vec<FileEntry>> {
        match *self {}
    }

    pub(crate) fn stat(&self, _params: &FileParams) -> Result<FileEntry> {
        match *self {}
    }

    pub(crate) fn delete(&self, _params: &FileParams, _cancel: &Cancel) -> Result<()> {
        match *self {}
    }

    pub(crate) fn rename(&self, _params: &FileMoveParams, _cancel: &Cancel) -> Result<()> {
        match *self {}
    }

    pub(crate) fn mkdir(&self, _params: &DirectoryParams) -> Result<()> {
        match *self {}
    }

    pub(crate) fn set_stat(&self, _params: &SetstatParams) -> Result<()> {
        match *self {}
    }
}
