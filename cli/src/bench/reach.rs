//! Finding hosts, being connected with them again, and many of them at once.

use core::future::pending;
use core::net::SocketAddr;
use core::time::Duration;
use std::sync::Arc;

use opendesk_std::api::{CaptureParams, DisplayCapture, PictureProfile, SystemCapabilities};
use opendesk_std::client::{LinkState, Whom};
use opendesk_std::desktop::Backend;
use opendesk_std::desktop::r#virtual::VirtualDesktop;
use opendesk_std::home::Peers;
use opendesk_std::tools::{FleetCall, OnRuntime, Session};
use opendesk_tokio::{ConnectOptions, HostOptions, Remote, RemoteOptions, Tokio};
use serde_json::json;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{AbortHandle, JoinSet};

use super::loopback::Loopback;
use super::sample::{self, Sample};
use super::{Report, failed, measure_loop};
use crate::exit::Failure;

/// How long a cut lasts: what is tried at once has failed by then.
const CUT: Duration = Duration::from_secs(3);

/// Hosts of a fleet.
const FLEET: usize = 50;

pub(super) async fn rows(report: &mut Report, rounds: usize) -> Result<(), Failure> {
    let desktop = Arc::new(VirtualDesktop::new(1920, 1080));
    let loopback = Loopback::start(|home| HostOptions::new(home, desktop)).await?;
    let first = measure_loop(10 * rounds, async || first_picture(&loopback.connect).await).await?;
    report.row("from a name to the first screenshot of 1920x1080", first, None);
    let again = reconnect(&loopback.connect, rounds).await?;
    report.row("connected again, from when a cut of 3 s is over", again, None);
    loopback.end().await?;
    fleet(report, rounds).await
}

fn remote(connect: &ConnectOptions) -> Remote {
    let options = RemoteOptions::new(connect.home.clone(), Whom::Peer(connect.peer.clone()));
    opendesk_tokio::remote(RemoteOptions { discover: false, ..options })
}

async fn first_picture(connect: &ConnectOptions) -> Result<(), Failure> {
    let remote = remote(connect);
    let params = CaptureParams { profile: PictureProfile::Claude, ..CaptureParams::default() };
    remote.call::<DisplayCapture>(&params).await?;
    remote.close().await;
    Ok(())
}

/// The time from the end of a cut until the link is there again.
async fn reconnect(connect: &ConnectOptions, rounds: usize) -> Result<Sample, Failure> {
    let mut peers = Peers::load(&connect.home)?;
    let peer = peers.find(&connect.peer)?.clone();
    let host = format!("{}:{}", peer.last_host, peer.last_port).parse().map_err(failed)?;
    let (mut cable, place) = Cable::new(host).await.map_err(failed)?;
    peers.set_endpoint(&peer.public_key, &place.ip().to_string(), place.port())?;
    let remote = remote(connect);
    let mut sample = Sample::default();
    for _ in 0..2 * rounds {
        remote.call::<SystemCapabilities>(&()).await?;
        let events = remote.events();
        cable.cut();
        tokio::time::sleep(CUT).await;
        let back = sample::now();
        cable.join().await.map_err(failed)?;
        while !matches!(remote.state(), LinkState::Connected { .. }) {
            events.recv().await.map_err(failed)?;
        }
        sample.push(back.elapsed());
    }
    remote.close().await;
    peers.set_endpoint(&peer.public_key, &peer.last_host, peer.last_port)?;
    Ok(sample)
}

/// What lies between controller and host, and can be cut: then both lose their connection, and nobody answers.
struct Cable {
    place: SocketAddr,
    host: SocketAddr,
    passing: Option<AbortHandle>,
}

impl Cable {
    async fn new(host: SocketAddr) -> std::io::Result<(Self, SocketAddr)> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let place = listener.local_addr()?;
        let mut cable = Self { place, host, passing: None };
        cable.pass(listener);
        Ok((cable, place))
    }

    fn cut(&mut self) {
        if let Some(passing) = self.passing.take() {
            passing.abort();
        }
    }

    async fn join(&mut self) -> std::io::Result<()> {
        let listener = TcpListener::bind(self.place).await?;
        self.pass(listener);
        Ok(())
    }

    fn pass(&mut self, listener: TcpListener) {
        let host = self.host;
        let passing = tokio::spawn(async move {
            // Dropped with this task, which ends all that passes.
            let mut connections = JoinSet::new();
            while let Ok((mut near, _)) = listener.accept().await {
                connections.spawn(async move {
                    let Ok(mut far) = TcpStream::connect(host).await else { return };
                    if near.set_nodelay(true).and_then(|()| far.set_nodelay(true)).is_ok() {
                        let _whoever_ended_it = tokio::io::copy_bidirectional(&mut near, &mut far).await;
                    }
                });
            }
        });
        self.passing = Some(passing.abort_handle());
    }
}

impl Drop for Cable {
    fn drop(&mut self) {
        self.cut();
    }
}

/// One screenshot of each of fifty hosts in this process, all of which are connected for it.
async fn fleet(report: &mut Report, rounds: usize) -> Result<(), Failure> {
    let mut hosts = Vec::with_capacity(FLEET);
    for number in 0..FLEET {
        let desktop = Arc::new(VirtualDesktop::new(1920, 1080));
        hosts.push(
            Loopback::start_named(&format!("host-{number}"), |home| HostOptions::new(home, desktop), hosts.first())
                .await?,
        );
    }
    let Some(home) = hosts.first().map(|host| host.connect.home.clone()) else { return Ok(()) };
    let shots = async || {
        let session = Session::new(home.clone(), Backend::Virtual, Box::new(OnRuntime(Tokio)));
        let members = session.fleet(&["all".to_owned()], "")?;
        let call = FleetCall::new("screenshot", json!({}))?;
        let outcomes = session.call_fleet(&call, &members, pending()).await;
        let fine = outcomes.iter().filter(|outcome| outcome.error().is_none()).count();
        session.close().await;
        if fine == FLEET { Ok(()) } else { Err(failed(format!("{fine} of {FLEET} hosts gave a picture"))) }
    };
    let sample = measure_loop(rounds, shots).await?;
    report.row("one screenshot of 1920x1080 of each of 50 hosts", sample, None);
    for host in hosts {
        host.end().await?;
    }
    Ok(())
}
