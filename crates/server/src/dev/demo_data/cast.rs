//! Who does business in the demo's past: providers at WeChat, tenants, their branches and what these sell.

use anyhow::Context;
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use tributary_domain::ids::{ProviderId, TenantId};
use tributary_domain::late_payment::{LateDecision, LatePolicy};
use tributary_domain::merchant::{AppId, Mchid, SubAppKind};
use tributary_domain::order_content::OrderRequest;
use tributary_domain::staff::Actor;
use tributary_domain::tenant::{Mode, Scope, TenantSettings};
use tributary_operations::credentials::{ApiKeyWish, Caller, CertificateWish};
use tributary_operations::endpoints::{
    EndpointPatch, EndpointView, NewEndpoint, RetrySchedule, Settings,
};
use tributary_operations::tenants::NewTenant;
use wechatpay::credentials::generate_pem;
use wechatpay_sim::{
    KeyMode, NewApp, NewOpenid, NewProvider, NewSubMerchant, OpenidOf, ProviderKeys, RefundPolicy,
    RefundResult,
};

use super::shops;
use super::stage::{Places, Stage};
use crate::simulated;

const DAY_MS: i64 = 24 * 3_600_000;
/// The older provider came so long ago that its first certificates, which last five years, end in twenty days.
pub(super) const PROVIDER_AGE_MS: i64 = (5 * 365 - 20) * DAY_MS;
/// Refunds of small amounts arrive within minutes.
const REFUNDS: RefundPolicy = RefundPolicy {
    result: RefundResult::Success,
    after_ms: 90_000,
};
/// The same choices at every first start.
const SEED: u64 = 7;
/// Users of each app.
const PAYERS: usize = 4;
const SOON_MS: i64 = 12 * DAY_MS;

/// What is sold, and for how many fen.
pub(super) type Goods = (&'static str, i64);

/// Chooses, the same at every first start.
pub(super) struct Dice(StdRng);

impl Dice {
    pub(super) fn new() -> Self {
        Self(StdRng::seed_from_u64(SEED))
    }

    /// One of several.
    pub(super) fn pick<'a, T>(&mut self, from: &'a [T]) -> anyhow::Result<&'a T> {
        let place = self.0.random_range(0..from.len().max(1));
        from.get(place).context("something to choose from")
    }

    /// Whether something of so many in a hundred happens.
    pub(super) fn in_hundred(&mut self, chances: u32) -> bool {
        self.0.random_range(0..100) < chances
    }

    fn hex(&mut self, digits: usize) -> String {
        let draw = |_| char::from_digit(self.0.random_range(0..16), 16).unwrap_or('0');
        (0..digits).map(draw).collect()
    }
}

/// A provider, here and at WeChat.
pub(super) struct Provider {
    pub(super) id: ProviderId,
    pub(super) keys: ProviderKeys,
}

/// A tenant as the demo knows it before it has an id.
struct Plan {
    name: &'static str,
    contact: &'static str,
    prefix: &'static str,
    receiver: &'static str,
    branches: &'static [&'static str],
    goods: &'static [Goods],
    late: LateDecision,
}

/// A tenant that does business.
pub(super) struct Shop {
    pub(super) tenant: TenantId,
    pub(super) prefix: &'static str,
    pub(super) caller: Caller,
    pub(super) branches: Vec<Branch>,
    pub(super) goods: &'static [Goods],
}

/// A sub-merchant with its app and the users of it.
pub(super) struct Branch {
    pub(super) sub_mchid: String,
    sub_appid: String,
    openids: Vec<String>,
}

/// Everybody.
pub(super) struct Cast {
    pub(super) dice: Dice,
    pub(super) provider: Provider,
    pub(super) older: Provider,
    pub(super) tea: Shop,
    pub(super) books: Shop,
    pub(super) flowers: Shop,
    pub(super) hotel: Shop,
    pub(super) greens: Shop,
}

const TEA: Plan = Plan {
    name: "云溪茶饮",
    contact: "it@yunxi.example",
    prefix: "YX",
    receiver: "yunxi-tea",
    branches: &["云溪茶饮西湖店", "云溪茶饮滨江店"],
    goods: &[
        ("茉莉奶绿", 1_800),
        ("杨枝甘露", 2_200),
        ("龙井拿铁", 2_600),
        ("桂花酒酿", 1_950),
    ],
    late: LateDecision::Accept,
};
const BOOKS: Plan = Plan {
    name: "拾光书店",
    contact: "dev@shiguang.example",
    prefix: "SG",
    receiver: "shiguang-books",
    branches: &["拾光书店总店"],
    goods: &[
        ("《瓦尔登湖》", 4_200),
        ("手冲咖啡", 3_200),
        ("文创帆布袋", 6_900),
    ],
    late: LateDecision::Refund,
};
const FLOWERS: Plan = Plan {
    name: "墨云花艺",
    contact: "hello@moyun.example",
    prefix: "MY",
    receiver: shops::BROKEN,
    branches: &["墨云花艺工作室"],
    goods: &[
        ("红玫瑰花束", 19_900),
        ("向日葵单枝", 1_500),
        ("绿植盆栽", 8_800),
    ],
    late: LateDecision::Accept,
};
const HOTEL: Plan = Plan {
    name: "山间民宿",
    contact: "finance@shanjian.example",
    prefix: "SJ",
    receiver: "shanjian-inn",
    branches: &["山间民宿莫干山店", "山间民宿千岛湖店"],
    goods: &[
        ("山景大床房一晚", 68_800),
        ("湖景套房一晚", 128_800),
        ("双人早餐", 9_600),
    ],
    late: LateDecision::Hold,
};
const GREENS: Plan = Plan {
    name: "青禾生鲜",
    contact: "tech@qinghe.example",
    prefix: "QH",
    receiver: "qinghe-greens",
    branches: &["青禾生鲜社区店"],
    goods: &[
        ("有机时蔬礼盒", 5_980),
        ("阳光玫瑰两斤", 7_990),
        ("土鸡蛋三十枚", 4_580),
    ],
    late: LateDecision::Accept,
};

impl Cast {
    /// Brings everybody on: one provider years ago, the others as the demo's days begin.
    pub(super) async fn assemble(
        stage: &Stage,
        places: &Places,
        begins: tributary_domain::clock::Timestamp,
    ) -> anyhow::Result<Self> {
        let mut dice = Dice::new();
        let older = provider(stage, "支流科技（华东）", KeyMode::Certificate).await?;
        stage.move_to(begins);
        let provider = provider(stage, "支流科技", KeyMode::PublicKey).await?;
        let mut open = Opening {
            stage,
            places,
            dice: &mut dice,
        };
        let tea = open.shop(&TEA, &provider).await?;
        let books = open.shop(&BOOKS, &provider).await?;
        let flowers = open.shop(&FLOWERS, &provider).await?;
        let hotel = open.shop(&HOTEL, &older).await?;
        let greens = open.shop(&GREENS, &older).await?;
        open.further_endpoints(&books, &greens).await?;
        open.further_credentials(&tea).await?;
        invite_tenant(stage).await?;
        Ok(Self {
            dice,
            provider,
            older,
            tea,
            books,
            flowers,
            hotel,
            greens,
        })
    }

    /// A shop with one of its branches and something that it sells. The one whose receiver fails sells little: what it is
    /// not told is told again and again.
    pub(super) fn anyone(&mut self) -> anyhow::Result<(&Shop, &Branch, Goods)> {
        let shops = [&self.tea, &self.tea, &self.books, &self.hotel, &self.greens];
        let shop = *self.dice.pick(&shops)?;
        let branch = self.dice.pick(&shop.branches)?;
        Ok((shop, branch, *self.dice.pick(shop.goods)?))
    }
}

impl Shop {
    /// Its first branch.
    pub(super) fn main(&self) -> anyhow::Result<&Branch> {
        self.branches.first().context("a branch")
    }

    /// The first thing that it sells.
    pub(super) fn usual(&self) -> anyhow::Result<Goods> {
        self.goods.first().copied().context("something to sell")
    }
}

impl Branch {
    /// An order of one of its users.
    pub(super) fn order(
        &self,
        number: &str,
        (what, fen): Goods,
        nth: u32,
    ) -> anyhow::Result<OrderRequest> {
        let payer = usize::try_from(nth)? % self.openids.len().max(1);
        Ok(OrderRequest {
            merchant_order_no: number.to_owned(),
            sub_mchid: Some(self.sub_mchid.clone()),
            sub_appid: Some(self.sub_appid.clone()),
            description: what.to_owned(),
            total: fen,
            sub_openid: self.openids.get(payer).cloned(),
            ..OrderRequest::default()
        })
    }
}

/// What shops are opened with.
struct Opening<'a> {
    stage: &'a Stage,
    places: &'a Places,
    dice: &'a mut Dice,
}

impl Opening<'_> {
    async fn shop(&mut self, plan: &Plan, provider: &Provider) -> anyhow::Result<Shop> {
        let operations = self.stage.operations();
        let new = NewTenant {
            name: plan.name.to_owned(),
            contact: Some(plan.contact.to_owned()),
            settings: TenantSettings {
                order_expires_after_minutes: Some(120),
                ..TenantSettings::default()
            },
            ..NewTenant::default()
        };
        let tenant = operations.create_tenant(&by(), new).await?.id;
        let policy = LatePolicy {
            paid_late: plan.late,
            duplicate_paid: plan.late,
            amount_mismatch: LateDecision::Hold,
        };
        operations.set_late_policy(&by(), &tenant, policy).await?;
        let mut branches = Vec::new();
        for name in plan.branches {
            branches.push(self.branch(name, &tenant, provider).await?);
        }
        let wish = ApiKeyWish::new(Mode::Test, "生产系统", Scope::ALL.to_vec());
        let key = operations.create_api_key(&by(), &tenant, wish).await?;
        let caller = operations.authenticate(key.secret.reveal(), None).await?;
        let shop = Shop {
            tenant,
            prefix: plan.prefix,
            caller,
            branches,
            goods: plan.goods,
        };
        self.endpoint(&shop, "订单系统", plan.receiver).await?;
        Ok(shop)
    }

    async fn branch(
        &mut self,
        name: &str,
        tenant: &TenantId,
        provider: &Provider,
    ) -> anyhow::Result<Branch> {
        let sub_appid = format!("wx{}", self.dice.hex(16));
        let secret = self.dice.hex(32);
        let openids: Vec<String> = (0..PAYERS)
            .map(|_| format!("o{}", self.dice.hex(27)))
            .collect();
        let user = |openid: &String| {
            OpenidOf::OfApp(NewOpenid {
                appid: sub_appid.clone(),
                openid: Some(openid.clone()),
            })
        };
        let made = self.stage.simulator.sub_merchant(NewSubMerchant {
            sp_mchid: provider.keys.sp_mchid.clone(),
            sub_mchid: None,
            name: Some(name.to_owned()),
            sub_appids: vec![NewApp {
                appid: sub_appid.clone(),
                secret: Some(secret.clone()),
            }],
            openids: openids.iter().map(user).collect(),
        })?;
        let operations = self.stage.operations();
        let sub_mchid = Mchid::parse(&made.sub_mchid)?;
        let merchant = operations
            .create_sub_merchant(&by(), tenant, &provider.id, &sub_mchid, name)
            .await?;
        let (appid, kind) = (AppId::parse(&sub_appid)?, SubAppKind::MiniProgram);
        operations
            .add_sub_app(&by(), &merchant, &appid, kind, Some(&secret))
            .await?;
        Ok(Branch {
            sub_mchid: made.sub_mchid,
            sub_appid,
            openids,
        })
    }

    async fn endpoint(
        &self,
        shop: &Shop,
        description: &str,
        receiver: &str,
    ) -> anyhow::Result<EndpointView> {
        let new = NewEndpoint {
            url: shops::url(&self.places.receiver, receiver),
            description: description.to_owned(),
            filters: vec!["order.*".to_owned(), "refund.*".to_owned()],
            settings: Settings {
                schedule: Some(RetrySchedule::Wechat),
                ..Settings::default()
            },
            ..NewEndpoint::default()
        };
        let operations = self.stage.operations();
        let (endpoint, _) = operations.create_endpoint(&shop.caller, new).await?;
        Ok(endpoint)
    }

    /// One that its owner paused, and one whose receiver is gone.
    async fn further_endpoints(&self, books: &Shop, greens: &Shop) -> anyhow::Result<()> {
        let paused = self.endpoint(books, "会员积分", "shiguang-points").await?;
        let patch = EndpointPatch {
            state: Some("paused".to_owned()),
            ..EndpointPatch::default()
        };
        let operations = self.stage.operations();
        operations
            .update_endpoint(&books.caller, &paused.id.parse()?, patch)
            .await?;
        self.endpoint(greens, "旧 ERP", shops::GONE).await?;
        Ok(())
    }

    /// A key and a registered public key that end within days.
    async fn further_credentials(&self, shop: &Shop) -> anyhow::Result<()> {
        let (operations, ends) = (
            self.stage.operations(),
            self.stage.now().plus_millis(SOON_MS),
        );
        let scopes = vec![Scope::OrdersRead, Scope::BillsRead];
        let wish = ApiKeyWish::new(Mode::Test, "财务对账", scopes.clone()).until(ends);
        operations.create_api_key(&by(), &shop.tenant, wish).await?;
        let wish = CertificateWish {
            mode: Mode::Test,
            name: "收银台签名".to_owned(),
            scopes,
            expires_at: Some(ends),
        };
        let (_, public_key) = tokio::task::spawn_blocking(generate_pem).await??;
        operations
            .register_public_key(&by(), &shop.tenant, wish, &public_key)
            .await?;
        Ok(())
    }
}

/// A tenant that has not begun.
async fn invite_tenant(stage: &Stage) -> anyhow::Result<()> {
    let new = NewTenant {
        name: "临江健身".to_owned(),
        contact: Some("boss@linjiang.example".to_owned()),
        invited: true,
        ..NewTenant::default()
    };
    stage.operations().create_tenant(&by(), new).await?;
    Ok(())
}

async fn provider(stage: &Stage, name: &str, key_mode: KeyMode) -> anyhow::Result<Provider> {
    let keys = stage
        .simulator
        .provider(NewProvider {
            name: Some(name.to_owned()),
            key_mode: Some(key_mode),
            refund_policy: Some(REFUNDS),
            ..NewProvider::default()
        })
        .await?;
    let (main, backup) = (stage.simulator.base_url(), stage.simulator.backup_url());
    let mut new = simulated::new_provider(&keys, &main, backup)?;
    name.clone_into(&mut new.name);
    // Simulator and platform go by one clock here, so that the validity is true.
    new.merchant
        .certificate
        .clone_from(&keys.merchant_certificate_pem);
    let id = stage.operations().create_provider(&by(), new).await?.id;
    Ok(Provider { id, keys })
}

/// Who sets the demo up.
fn by() -> Actor {
    Actor::system("dev")
}
