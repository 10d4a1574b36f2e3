//! The certificate that a running page shows.

use super::desk::{Desk, now};
use patchward_collector::fleet::Authority;
use patchward_collector::fleet::ca::life_of;
use patchward_collector::item::expiry::Life;
use patchward_collector::web::listen;
use patchward_common::time::{DAY_MS, HOUR_MS};
use patchward_integration_tests::process::PATIENCE;
use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::ServerName;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

/// From when to when the certificate counts that a browser is shown, which trusts this authority.
async fn shown(to: SocketAddr, authority: &Authority) -> Option<Life> {
    let mut roots = RootCertStore::empty();
    roots.add(authority.certificate().clone()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let browser = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let stream = TcpStream::connect(to).await.unwrap();
    let host = ServerName::try_from("localhost").unwrap();
    let connecting = TlsConnector::from(Arc::new(browser)).connect(host, stream);
    let stream = connecting.await.unwrap();
    life_of(&stream.get_ref().1.peer_certificates().unwrap()[0])
}

/// A collector runs for longer than its page's certificate counts, and its clock may have been
/// ahead when it started.
#[tokio::test]
async fn a_running_page_shows_the_next_certificate() {
    let desk = Desk::open().await;
    let authorities = desk.app.fleet.authorities();
    let authority = authorities.current();
    for opened in [-61 * DAY_MS, 2 * DAY_MS] {
        let opened = now().plus_ms(opened);
        let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let door = listen::open(any, &desk.app.settings, authority, opened).await;
        let door = door.unwrap();
        let (to, mut life) = (door.address().unwrap(), door.life());
        let first = life.borrow_and_update().unwrap();
        let serving = tokio::spawn(listen::serve(desk.app.clone(), door));
        let changed = tokio::time::timeout(PATIENCE, life.changed()).await;
        changed.expect("it is renewed in time").unwrap();
        let renewed = *life.borrow();
        assert_eq!(shown(to, authority).await, renewed);
        let (first, renewed) = (first.ends, renewed.unwrap().ends);
        assert_ne!(first, renewed);
        let off = renewed.since_ms(now().plus_ms(90 * DAY_MS));
        assert!(off.abs() < HOUR_MS, "it ends at {renewed}");
        serving.abort();
    }
}
