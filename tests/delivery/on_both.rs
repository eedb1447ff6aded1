//! Runs one test body on both databases, as two tests.

macro_rules! on_both {
    ($($name:ident => $body:ident;)*) => {
        mod sqlite {
            use crate::world::World;

            $(#[tokio::test]
            async fn $name() {
                let world = World::on_sqlite().await;
                tributary_storage::tenancy::platform(super::$body(world)).await;
            })*
        }
        mod postgres {
            use crate::world::World;

            $(#[tokio::test]
            async fn $name() {
                if let Some(world) = World::on_postgres().await {
                    tributary_storage::tenancy::platform(super::$body(world)).await;
                }
            })*
        }
    };
}

pub(crate) use on_both;
