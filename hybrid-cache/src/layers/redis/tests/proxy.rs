//! A TCP relay in front of a server that counts, delays and swallows.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst},
    },
    time::Duration,
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::watch,
    task::JoinSet,
};

pub(super) struct Proxy {
    address: SocketAddr,
    counted: Arc<Counted>,
    swallows: watch::Sender<bool>,
    holds_back: watch::Sender<bool>,
    /// Ends with this.
    _relays: JoinSet<()>,
}

#[derive(Default)]
struct Counted {
    connections: AtomicUsize,
    requests: AtomicUsize,
    bytes_passed: AtomicUsize,
    loses_replies: AtomicBool,
    is_holding_back: AtomicBool,
}

impl Proxy {
    /// Relays to the server at `port`, each new connection after `delay`.
    pub(super) async fn start(port: u16, delay: Duration) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (address, counted) = (listener.local_addr().unwrap(), Arc::new(Counted::default()));
        let (swallows, swallowing) = watch::channel(false);
        let (holds_back, holding_back) = watch::channel(false);
        let mut relays = JoinSet::new();
        let seen = Arc::clone(&counted);
        relays.spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((client, _)) = listener.accept().await {
                // Only the first one is held back.
                let first = seen.connections.fetch_add(1, SeqCst) == 0;
                let holding_back = first.then(|| holding_back.clone());
                let switches = (swallowing.clone(), holding_back);
                connections.spawn(relay(client, port, delay, Arc::clone(&seen), switches));
            }
        });
        Self { address, counted, swallows, holds_back, _relays: relays }
    }

    pub(super) fn url(&self) -> String {
        format!("redis://{}", self.address)
    }

    pub(super) fn connections(&self) -> usize {
        self.counted.connections.load(SeqCst)
    }

    /// How often bytes came from clients: with one operation at a time, the number of round trips.
    pub(super) fn requests(&self) -> usize {
        self.counted.requests.load(SeqCst)
    }

    /// How many bytes clients were sent.
    pub(super) fn bytes_passed(&self) -> usize {
        self.counted.bytes_passed.load(SeqCst)
    }

    /// Closes each connection instead of passing a reply on.
    pub(super) fn lose_replies(&self, yes: bool) {
        self.counted.loses_replies.store(yes, SeqCst);
    }

    /// Leaves what comes over the first connection where it is, like a network in which nothing moves; what that connection's
    /// client has not got rid of when it closes it is lost.
    pub(super) async fn hold_back(&self) {
        self.holds_back.send_replace(true);
        self.until_holding_back(true).await;
    }

    /// Passes that on, and waits until it has been.
    pub(super) async fn let_go(&self) {
        self.holds_back.send_replace(false);
        self.until_holding_back(false).await;
    }

    async fn until_holding_back(&self, yes: bool) {
        while self.counted.is_holding_back.load(SeqCst) != yes {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }

    /// Takes all requests and passes none on, like a network that went away.
    pub(super) fn swallow(&self) {
        self.swallows.send_replace(true);
    }

    /// Works again; connections from before are closed.
    pub(super) fn pass_on(&self) {
        self.swallows.send_replace(false);
    }
}

async fn relay(
    mut client: TcpStream,
    port: u16,
    delay: Duration,
    counted: Arc<Counted>,
    (mut swallowing, holding_back): (watch::Receiver<bool>, Option<watch::Receiver<bool>>),
) {
    swallowing.mark_unchanged();
    let (_never, of_others) = watch::channel(false);
    let mut holding_back = holding_back.unwrap_or(of_others);
    holding_back.mark_unchanged();
    let mut lets_go = false;
    tokio::time::sleep(delay).await;
    let Ok(mut server) = TcpStream::connect(("127.0.0.1", port)).await else { return };
    let (mut up, mut down) = (vec![0; 1 << 16], vec![0; 1 << 16]);
    loop {
        tokio::select! {
            read = client.read(&mut up), if !*holding_back.borrow() => match read {
                Ok(count) if count > 0 => {
                    counted.requests.fetch_add(1, SeqCst);
                    if !*swallowing.borrow() && server.write_all(&up[..count]).await.is_err() {
                        return;
                    }
                    if lets_go {
                        counted.is_holding_back.store(false, SeqCst);
                    }
                }
                _ => return,
            },
            read = server.read(&mut down) => match read {
                Ok(_) if counted.loses_replies.load(SeqCst) => return,
                Ok(count) if count > 0 && client.write_all(&down[..count]).await.is_ok() => {
                    counted.bytes_passed.fetch_add(count, SeqCst);
                }
                _ => return,
            },
            _ = holding_back.changed() => {
                lets_go = !*holding_back.borrow();
                let is_lost = lets_go && !matches!(client.take_error(), Ok(None));
                counted.is_holding_back.store(!is_lost, SeqCst);
                if is_lost {
                    return;
                }
            }
            changed = swallowing.changed() => if changed.is_err() || !*swallowing.borrow() {
                return;
            },
        }
    }
}
