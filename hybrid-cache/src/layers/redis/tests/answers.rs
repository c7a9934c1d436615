//! What a healthy server does.

use super::*;

#[tokio::test]
async fn what_was_put_is_read_back_by_another_process() {
    let server = RedisServer::start();
    let (writer, reader) = (layer(&server), layer(&server));
    let before = writer.get(&key(1)).await.unwrap();
    assert_eq!(before.record, None);

    writer.put(&key(1), b"\0record\r\n\xff".to_vec(), LIFE).await.unwrap();

    let reading = reader.get(&key(1)).await.unwrap();
    assert_eq!(reading, Reading { record: Some(b"\0record\r\n\xff".to_vec()), epoch: before.epoch });
}

#[tokio::test]
async fn a_removed_answer_is_gone_and_others_stay() {
    let server = RedisServer::start();
    let layer = layer(&server);
    layer.put(&key(1), b"one".to_vec(), LIFE).await.unwrap();
    layer.put(&key(2), b"two".to_vec(), LIFE).await.unwrap();

    assert_eq!(layer.remove(&key(1)).await.unwrap(), Removal::Done);

    assert_eq!(record(&layer, 1).await, None);
    assert_eq!(record(&layer, 2).await, Some(b"two".to_vec()));
}

#[tokio::test]
async fn remove_all_changes_the_epoch_of_this_function_only() {
    let server = RedisServer::start();
    let (layer, elsewhere) = (layer(&server), layer(&server));
    let other = Key::of("hc:shop.price", "id=1");
    let (before, other_before) =
        (layer.get(&key(1)).await.unwrap().epoch, layer.get(&other).await.unwrap().epoch);
    assert_ne!(before, other_before);

    assert_eq!(layer.remove_all(SCOPE).await.unwrap(), Removal::Done);

    let after = layer.get(&key(1)).await.unwrap().epoch;
    assert_ne!(after, before);
    assert_eq!(elsewhere.get(&key(2)).await.unwrap().epoch, after);
    assert_eq!(layer.get(&other).await.unwrap().epoch, other_before);
}

#[tokio::test]
async fn a_hit_is_one_round_trip() {
    let server = RedisServer::start();
    let layer = layer(&server);
    layer.get(&key(1)).await.unwrap();
    layer.put(&key(1), b"one".to_vec(), LIFE).await.unwrap();
    server.tell(&["CONFIG", "RESETSTAT"]);

    for _ in 0..10 {
        assert!(record(&layer, 1).await.is_some());
    }

    assert_eq!(server.calls_of("get"), 20);
    assert_eq!(server.calls_of("set") + server.calls_of("pexpire"), 0);
}
