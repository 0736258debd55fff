//! Which process a window belongs to, as the X server knows it (X-Resource).

use x11rb::connection::Connection as _;
use x11rb::protocol::res::{self, ClientIdMask, ClientIdSpec, ConnectionExt as _, QueryClientIdsReply};
use x11rb::protocol::xproto::Window;

use super::super::connection::{Outcome, Wire};
use super::property::Asked;

/// Asks one server whose windows are whose.
#[derive(Debug)]
pub(super) struct Owners {
    /// Whether the server's numbers of processes are this machine's. They are not where it runs elsewhere, or counts
    /// its processes on its own.
    is_known: bool,
    /// The part of an identifier that says which of a program's things it is; the rest says which program's.
    own_part: u32,
}

impl Owners {
    pub(super) fn probe(wire: &Wire) -> Outcome<Self> {
        let setup = wire.x.setup();
        let has_version = wire.has(res::X11_EXTENSION_NAME)? && {
            let version = wire.x.res_query_version(1, 2)?.reply()?;
            (version.server_major, version.server_minor) >= (1, 2)
        };
        let mut owners = Self { is_known: has_version, own_part: setup.resource_id_mask };
        owners.is_known = owners.pid(wire, setup.resource_id_base)? == Some(std::process::id());
        Ok(owners)
    }

    /// What all things of the program have in common that made this window.
    pub(super) const fn program(&self, window: Window) -> u32 {
        window & !self.own_part
    }

    /// The process that made a window.
    pub(super) fn pid(&self, wire: &Wire, window: Window) -> Outcome<Option<u32>> {
        Ok(self.pids(self.ask(wire, &[window])?)?.of(window))
    }

    /// Asks about several windows.
    pub(super) fn ask<'a>(
        &self,
        wire: &'a Wire,
        windows: &[Window],
    ) -> Outcome<Option<Asked<'a, QueryClientIdsReply>>> {
        if !self.is_known || windows.is_empty() {
            return Ok(None);
        }
        let spec = |window: &Window| ClientIdSpec { client: *window, mask: ClientIdMask::LOCAL_CLIENT_PID };
        let specs: Vec<ClientIdSpec> = windows.iter().map(spec).collect();
        Ok(Some(wire.x.res_query_client_ids(&specs)?))
    }

    /// The answer.
    pub(super) fn pids(&self, asked: Option<Asked<'_, QueryClientIdsReply>>) -> Outcome<Pids> {
        let ids = match asked {
            Some(asked) => asked.reply()?.ids,
            None => Vec::new(),
        };
        let pid = |value: &[u32]| value.first().copied().filter(|pid| *pid != 0);
        let known = ids.iter().filter_map(|id| Some((self.program(id.spec.client), pid(&id.value)?))).collect();
        Ok(Pids { own_part: self.own_part, known })
    }
}

/// The processes of some windows.
#[derive(Debug)]
pub(super) struct Pids {
    own_part: u32,
    known: Vec<(u32, u32)>,
}

impl Pids {
    pub(super) fn of(&self, window: Window) -> Option<u32> {
        let program = window & !self.own_part;
        self.known.iter().find(|(known, _)| *known == program).map(|(_, pid)| *pid)
    }
}
