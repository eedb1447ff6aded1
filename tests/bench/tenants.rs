//! Many tenants, each of which calls once.

use anyhow::{Result, ensure};
use futures::StreamExt as _;
use tributary_domain::merchant::{AppId, Mchid, SubAppKind};
use tributary_domain::staff::Actor;
use tributary_domain::tenant::{Mode, Scope};

use crate::scene::{SUB_APPID, Scene};

/// Makes tenants with a sub-merchant, an app and a key each, and lets each ask who it is.
pub(crate) async fn visit(scene: &Scene, count: usize) -> Result<()> {
    let visits = futures::stream::iter(0..count).map(|place| visit_as_new(scene, place));
    let done: Vec<Result<()>> = visits.buffer_unordered(8).collect().await;
    done.into_iter().collect()
}

async fn visit_as_new(scene: &Scene, place: usize) -> Result<()> {
    let operations = &scene.operations;
    let tenant = operations
        .create_tenant(&Actor::system("bench"), format!("Tenant {place}").as_str())
        .await?;
    let number = Mchid::parse(&format!("16{place:08}"))?;
    let merchant = operations
        .create_sub_merchant(
            &Actor::system("bench"),
            &tenant.id,
            &scene.provider.id,
            &number,
            "Shop",
        )
        .await?;
    operations
        .add_sub_app(
            &Actor::system("bench"),
            &merchant,
            &AppId::parse(SUB_APPID)?,
            SubAppKind::MiniProgram,
            None,
        )
        .await?;
    let scopes = Scope::ALL.to_vec();
    let key = operations
        .create_api_key(&tenant.id, Mode::Test, "bench", scopes, None)
        .await?;
    let url = format!("{}/v1/me", scene.api_url);
    let answer = scene
        .client
        .get(url)
        .bearer_auth(key.secret.reveal())
        .send()
        .await?;
    ensure!(
        answer.status().is_success(),
        "GET /v1/me: {}",
        answer.status()
    );
    Ok(())
}
