//! An agent's session that drives a host behind a network.

use std::sync::Arc;

use opendesk_std::desktop::Backend;
use opendesk_std::desktop::r#virtual::VirtualDesktop;
use opendesk_std::home::Home;
use opendesk_std::tools::{OnRuntime, Output, Session};
use opendesk_tests::proxy::Proxy;
use opendesk_tests::rig::Rig;
use opendesk_tokio::Tokio;
use serde_json::Value;

/// A host behind a network, which a controller calls `host`.
pub(super) struct Setup {
    pub(super) rig: Rig,
    pub(super) desktop: Arc<VirtualDesktop>,
    pub(super) proxy: Proxy,
    pub(super) home: Home,
    pub(super) session: Session,
}

impl Setup {
    pub(super) async fn new() -> Self {
        let (rig, desktop) = Rig::on_virtual();
        rig.pair("controller").await;
        let (proxy, home) = (rig.behind_proxy("controller"), rig.home("controller"));
        let session = session(&home);
        Self { rig, desktop, proxy, home, session }
    }

    pub(super) async fn call(&self, tool: &str, arguments: Value) -> Output {
        self.session.call_tool(tool, arguments).await
    }
}

pub(super) fn session(home: &Home) -> Session {
    Session::new(home.clone(), Backend::Virtual, Box::new(OnRuntime(Tokio)))
}
