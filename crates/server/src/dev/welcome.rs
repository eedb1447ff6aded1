//! What a person reads after `make run`.

use super::facts::DevFacts;

/// The addresses, the key, and the next two steps.
pub(super) fn text(facts: &DevFacts, facts_file: &str) -> String {
    let DevFacts {
        api_url,
        docs_url,
        sim_url,
        receiver_url,
        admin_url,
        tenant_id,
        api_key,
        sub_mchid,
        sub_appid,
        demo_openid,
        owner,
        ..
    } = facts;
    let sign_in = owner.as_ref().map_or_else(String::new, |owner| {
        format!(
            "\n  Sign in      {}, password {}, TOTP secret {}",
            owner.email, owner.password, owner.totp_secret
        )
    });
    format!(
        r#"
Tributary is running, with a simulated WeChat Pay and a demo tenant.

  API          {api_url}/v1       reference: {docs_url}
  Admin        {admin_url}{sign_in}
  WeChat Pay   {sim_url}          (simulated; control it under {sim_url}/_sim/)
  Webhooks     {receiver_url}/    (the demo tenant's receiver)

  Tenant       {tenant_id}
  API key      {api_key}
  Sub-merchant {sub_mchid}, app {sub_appid}, user {demo_openid}
  All of this  {facts_file}

Place an order of 1.00 yuan:

curl -sS {api_url}/v1/orders \
  -H 'Authorization: Bearer {api_key}' \
  -H "Idempotency-Key: $(date +%s%N)" -H 'Content-Type: application/json' \
  -d '{{"merchant_order_no": "demo-'$(date +%s%N)'", "sub_appid": "{sub_appid}", "description": "A cup of tea",
       "amount": {{"total": 100, "currency": "CNY"}}, "payer": {{"sub_openid": "{demo_openid}"}}}}'

Then open its cashier link, which appears below and on {receiver_url}/, and pay:
{receiver_url}/pay/<id of the order>

Stop with Ctrl-C; the next start continues where this one stopped.
"#
    )
}
