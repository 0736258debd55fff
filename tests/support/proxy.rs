//! A bad network: a TCP proxy that holds back, delays, counts and breaks what passes through it, as the test says while it
//! runs. It has a thread of its own, so it works whatever runtime or process is at its ends.
//!
//! What is held back goes on after [`heal`](Proxy::heal), as TCP itself would send it again: nothing is ever missing in the
//! middle of a connection.

#[path = "proxy/pipe.rs"]
mod pipe;

use core::net::{IpAddr, Ipv4Addr, SocketAddr};
use core::sync::atomic::{AtomicU32, Ordering};
use core::time::Duration;
use std::net::TcpListener as StdListener;
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// Which way bytes go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// From whoever connects to the host.
    ToHost,
    /// From the host to whoever connected.
    FromHost,
}

/// What happens to a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// Nothing passes any more, either way, and nobody is told.
    Silence,
    /// Both ends are told at once that it is gone, by RST.
    Reset,
    /// Nothing passes any more on the connections that there are, and nobody is told; on others it does.
    Stranding,
}

/// How the network is.
#[derive(Debug, Clone)]
struct Weather {
    target: SocketAddr,
    /// Whether the port answers.
    open: bool,
    /// By way.
    blocked: [bool; 2],
    latency: Duration,
    /// Grows with each [`Proxy::reset`].
    resets: u64,
    /// Grows with each [`Proxy::strand`].
    strandings: u64,
    over: bool,
}

/// What has passed, and what is still to.
#[derive(Debug, Default)]
struct Account {
    passed: [u64; 2],
    /// Bytes of a way after which something happens.
    limit: [Option<(u64, Fault)>; 2],
    connections: u64,
}

/// What the thread and the test share.
#[derive(Debug)]
struct Shared {
    weather: watch::Sender<Weather>,
    account: Mutex<Account>,
}

impl Shared {
    fn account(&self) -> MutexGuard<'_, Account> {
        self.account.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change(&self, change: impl FnOnce(&mut Weather)) {
        self.weather.send_modify(change);
    }

    fn break_off(&self, fault: Fault) {
        self.change(|weather| match fault {
            Fault::Silence => weather.blocked = [true; 2],
            Fault::Reset => weather.resets += 1,
            Fault::Stranding => weather.strandings += 1,
        });
    }
}

/// A proxy before a host. It ends with the value, and its connections with it.
#[derive(Debug)]
pub struct Proxy {
    address: SocketAddr,
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

impl Proxy {
    /// Starts one before a host, at an address of its own on this machine.
    ///
    /// # Panics
    /// When the system gives no port or no thread.
    #[must_use]
    pub fn start(target: SocketAddr) -> Self {
        let listener = StdListener::bind((own_address(), 0)).expect("a free port");
        let address = listener.local_addr().expect("an address");
        let fair = Weather {
            target,
            open: true,
            blocked: [false; 2],
            latency: Duration::ZERO,
            resets: 0,
            strandings: 0,
            over: false,
        };
        let shared = Arc::new(Shared { weather: watch::Sender::new(fair), account: Mutex::default() });
        let served = Arc::clone(&shared);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        let name = "proxy".to_owned();
        let run = move || runtime.block_on(serve(&served, listener, address));
        let thread = thread::Builder::new().name(name).spawn(run).expect("a thread");
        Self { address, shared, thread: Some(thread) }
    }

    /// Where it listens.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// The link is cut: nothing passes, and nobody is told. Connections that are opened from now on hang.
    pub fn cut(&self) {
        self.shared.break_off(Fault::Silence);
    }

    /// Nothing passes this way any more; the other way is as it was.
    pub fn half_open(&self, blocked: Way) {
        self.shared.change(|weather| weather.blocked[blocked as usize] = true);
    }

    /// Everything passes again, what was held back first; the port answers. Latency stays.
    pub fn heal(&self) {
        self.shared.account().limit = [None; 2];
        self.shared.change(|weather| (weather.open, weather.blocked) = (true, [false; 2]));
    }

    /// Every connection there is now is gone, and both of its ends are told.
    pub fn reset(&self) {
        self.shared.break_off(Fault::Reset);
    }

    /// Nothing passes any more, either way, on the connections that there are now, and nobody is told; others are as they
    /// were. So it is when a machine on the way has forgotten them, or an end has another address.
    pub fn strand(&self) {
        self.shared.break_off(Fault::Stranding);
    }

    /// Whoever connects from now on is refused, as by a machine on which nothing listens. What is open stays.
    pub fn refuse(&self) {
        self.shared.change(|weather| weather.open = false);
    }

    /// What comes from now on arrives this much later, either way: half of it is half a round trip.
    pub fn latency(&self, later: Duration) {
        self.shared.change(|weather| weather.latency = later);
    }

    /// Lets so many more bytes pass this way, all connections together, and then does this. The byte after them waits.
    pub fn cut_after(&self, way: Way, bytes: u64, fault: Fault) {
        let mut account = self.shared.account();
        account.limit[way as usize] = Some((account.passed[way as usize] + bytes, fault));
    }

    /// Whoever connects from now on reaches this address.
    pub fn move_to(&self, target: SocketAddr) {
        self.shared.change(|weather| weather.target = target);
    }

    /// Bytes that have passed this way.
    #[must_use]
    pub fn passed(&self, way: Way) -> u64 {
        self.shared.account().passed[way as usize]
    }

    /// Connections that were accepted.
    #[must_use]
    pub fn connections(&self) -> u64 {
        self.shared.account().connections
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.shared.change(|weather| weather.over = true);
        if let Some(thread) = self.thread.take() {
            // One that panicked has said so.
            drop(thread.join());
        }
    }
}

/// An address that nobody else listens at, so that the port is still free after it was closed.
fn own_address() -> IpAddr {
    static NEXT: AtomicU32 = AtomicU32::new(1);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    let [.., high, low] = std::process::id().to_be_bytes();
    // Every address of 127.0.0.0/8 is this machine's own.
    Ipv4Addr::new(127, 64 + (number % 128) as u8, high.max(1), low.clamp(1, 254)).into()
}

async fn serve(shared: &Arc<Shared>, listener: StdListener, address: SocketAddr) {
    let mut weather = shared.weather.subscribe();
    let mut listener = Some(listening(listener));
    loop {
        let (open, over) = {
            let now = weather.borrow_and_update();
            (now.open, now.over)
        };
        if over {
            return;
        }
        if !open {
            listener = None;
        } else if listener.is_none() {
            listener = Some(listening(StdListener::bind(address).expect("nobody else has this address")));
        }
        let accepted = async {
            match &listener {
                Some(listener) => listener.accept().await,
                None => core::future::pending().await,
            }
        };
        tokio::select! {
            changed = weather.changed() => if changed.is_err() { return },
            accepted = accepted => if let Ok((stream, _)) = accepted {
                shared.account().connections += 1;
                tokio::spawn(connection(Arc::clone(shared), stream));
            },
        }
    }
}

fn listening(listener: StdListener) -> TcpListener {
    listener.set_nonblocking(true).expect("a socket");
    TcpListener::from_std(listener).expect("a listener")
}

/// One connection, to its end.
async fn connection(shared: Arc<Shared>, mut from: TcpStream) {
    let mut weather = shared.weather.subscribe();
    let resets = weather.borrow().resets;
    let mut reset = pin!(async move {
        while weather.borrow_and_update().resets == resets {
            if weather.changed().await.is_err() {
                return;
            }
        }
    });
    // What cannot get through the network does not reach the host either.
    let mut weather = shared.weather.subscribe();
    let fair = tokio::select! {
        fair = pipe::passable(&mut weather, Way::ToHost) => fair,
        () = &mut reset => return vanish(&from),
    };
    let Some(Weather { target, .. }) = fair else { return };
    let Ok(mut to) = TcpStream::connect(target).await else {
        return vanish(&from);
    };
    for stream in [&from, &to] {
        stream.set_nodelay(true).expect("a TCP connection");
    }
    let was_reset = {
        let ((read, mut write), (far_read, mut far_write)) = (from.split(), to.split());
        let there = pipe::run(&shared, Way::ToHost, &read, &mut far_write);
        let back = pipe::run(&shared, Way::FromHost, &far_read, &mut write);
        let stranded = stranded(shared.weather.subscribe());
        tokio::select! {
            _ = futures_util::future::join(there, back) => false,
            () = stranded => {
                // Its sockets stay open, so that nobody is told.
                reset.await;
                true
            }
            () = &mut reset => true,
        }
    };
    if was_reset {
        vanish(&from);
        vanish(&to);
    }
}

/// Waits until nothing passes on the connections of now.
async fn stranded(mut weather: watch::Receiver<Weather>) {
    let before = weather.borrow().strandings;
    while weather.borrow_and_update().strandings == before {
        if weather.changed().await.is_err() {
            return;
        }
    }
}

/// Has a connection end by RST when it is closed.
fn vanish(stream: &TcpStream) {
    // Whoever has closed it before has nothing to be told.
    drop(stream.set_zero_linger());
}

#[cfg(test)]
#[path = "proxy/tests.rs"]
mod tests;
