//! Runs one test body on both databases, as two tests.

macro_rules! on_both {
    ($($name:ident => $body:ident;)*) => {
        mod sqlite {
            use crate::world::World;

            $(#[tokio::test]
            async fn $name() {
                super::$body(World::on_sqlite().await).await;
            })*
        }
        mod postgres {
            use crate::world::World;

            $(#[tokio::test]
            async fn $name() {
                if let Some(world) = World::on_postgres().await {
                    super::$body(world).await;
                }
            })*
        }
    };
}

pub(crate) use on_both;
