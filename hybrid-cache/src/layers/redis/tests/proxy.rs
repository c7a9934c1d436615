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
    /// Ends with this.
    _relays: JoinSet<()>,
}

#[derive(Default)]
struct Counted {
    connections: AtomicUsize,
    requests: AtomicUsize,
    bytes_passed: AtomicUsize,
    loses_replies: AtomicBool,
}

impl Proxy {
    /// Relays to the server at `port`, each new connection after `delay`.
    pub(super) async fn start(port: u16, delay: Duration) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (address, counted) = (listener.local_addr().unwrap(), Arc::new(Counted::default()));
        let (swallows, swallowing) = watch::channel(false);
        let mut relays = JoinSet::new();
        let seen = Arc::clone(&counted);
        relays.spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((client, _)) = listener.accept().await {
                seen.connections.fetch_add(1, SeqCst);
                connections.spawn(relay(client, port, delay, Arc::clone(&seen), swallowing.clone()));
            }
        });
        Self { address, counted, swallows, _relays: relays }
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
    mut swallowing: watch::Receiver<bool>,
) {
    swallowing.mark_unchanged();
    tokio::time::sleep(delay).await;
    let Ok(mut server) = TcpStream::connect(("127.0.0.1", port)).await else { return };
    let (mut up, mut down) = (vec![0; 1 << 16], vec![0; 1 << 16]);
    loop {
        tokio::select! {
            read = client.read(&mut up) => match read {
                Ok(count) if count > 0 => {
                    counted.requests.fetch_add(1, SeqCst);
                    if !*swallowing.borrow() && server.write_all(&up[..count]).await.is_err() {
                        return;
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
            changed = swallowing.changed() => if changed.is_err() || !*swallowing.borrow() {
                return;
            },
        }
    }
}
