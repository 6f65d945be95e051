//! Prints the OpenAPI document of the HTTP interface:
//! `cargo run -p killcord-wire --features generate --example openapi`.
//!
//! The bodies' schemas are made from their types; the paths are written down here, and the server's tests send requests
//! made from them.

use std::io::Write as _;

use killcord_wire as wire;
use schemars::{SchemaGenerator, generate::SchemaSettings};
use serde_json::{Value, json};

/// Everything that one operation says of itself.
struct Operation {
    path: &'static str,
    method: &'static str,
    summary: &'static str,
    parameters: Value,
    body: Option<Value>,
    answers: Vec<(u16, &'static str, Option<Value>)>,
}

/// What Prometheus asks for.
const METRICS: &str = "/killcord/metrics";
/// The pairing page, and what it asks for.
const PAIR: &str = "/killcord/pair";

/// Refusals that any operation may give: whose name, whose page or what role, no cookie, too slow, too much, the host
/// is ending.
const ALWAYS: [u16; 6] = [401, 403, 408, 421, 429, 503];

fn operations(schemas: &mut SchemaGenerator) -> Vec<Operation> {
    let of = |schema: schemars::Schema| Some(schema.to_value());
    let rig = of(schemas.subschema_for::<wire::RigView>());
    let sessions = of(schemas.subschema_for::<wire::SessionsView>());
    let readings = of(schemas.subschema_for::<wire::ReadingsView>());
    let teardowns = of(schemas.subschema_for::<wire::TeardownsView>());
    let teardown = of(schemas.subschema_for::<wire::TeardownReport>());
    let tokens = of(schemas.subschema_for::<wire::TokensView>());
    let link = of(schemas.subschema_for::<wire::LinkBody>());
    let linked = of(schemas.subschema_for::<wire::LinkView>());
    let pair = of(schemas.subschema_for::<wire::PairBody>());
    let (arm, set) =
        (of(schemas.subschema_for::<wire::ArmBody>()), of(schemas.subschema_for::<wire::SetBody>()));
    let get = |path, summary, parameters, answers| Operation {
        path,
        method: "get",
        summary,
        parameters,
        body: None,
        answers,
    };
    let at_once = |path, summary| Operation {
        path,
        method: "post",
        summary,
        parameters: json!([]),
        body: None,
        answers: vec![(202, "Begun. `GET rig` tells how it goes.", None)],
    };
    let command = |path, method, summary, parameters, body, more: &[(u16, &'static str)]| {
        let mut answers = vec![
            (204, "Done.", None),
            (202, "Not done yet; send the same command again for its answer.", None),
            (400, "Not what is taken here.", None),
            (409, "Refused: the code says why.", None),
            (429, "Too many commands wait.", None),
        ];
        answers.extend(more.iter().map(|(status, words)| (*status, *words, None)));
        Operation { path, method, summary, parameters, body, answers }
    };
    vec![
        get(
            "/killcord/healthz",
            "Whether the program answers. Needs no cookie.",
            json!([]),
            vec![(204, "It does.", None)],
        ),
        get(
            "/killcord/readyz",
            "Whether the rig is open. Needs no cookie.",
            json!([]),
            vec![(204, "It is.", None)],
        ),
        get(
            METRICS,
            "What there is to watch, in Prometheus' text format.",
            json!([]),
            vec![(200, "The metrics.", Some(json!({ "type": "string" })))],
        ),
        get(
            PAIR,
            "The pairing page. Needs no cookie.",
            json!([]),
            vec![(200, "The page.", Some(json!({ "type": "string" })))],
        ),
        Operation {
            path: PAIR,
            method: "post",
            summary: "Lets a browser in by a link's code or a key, and gives it its cookie. Needs none.",
            parameters: json!([]),
            body: pair,
            answers: vec![
                (204, "Let in, or it was before.", None),
                (400, "Not what is taken here.", None),
                (410, "The code was used, or is too old.", None),
                (507, "As many browsers are let in as can be; an operator has to revoke some first.", None),
            ],
        },
        Operation {
            path: PAIR,
            method: "delete",
            summary: "Signs out: this browser, or key, is let in no more, nor whom it has let in; their sessions end.",
            parameters: json!([]),
            body: None,
            answers: vec![
                (204, "Signed out.", None),
                (507, "Signed out; the disk did not take it, and a restart undoes it.", None),
            ],
        },
        get("/killcord/api/v1/rig", "The rig as it is.", json!([]), vec![(200, "The rig.", rig)]),
        get(
            "/killcord/api/v1/sessions",
            "All sessions, and the last that have ended.",
            json!([]),
            vec![(200, "The sessions.", sessions)],
        ),
        Operation {
            path: "/killcord/api/v1/sessions/{id}",
            method: "delete",
            summary: "Ends a session; its page is told that an operator did.",
            parameters: json!([inside("id", &json!({ "type": "integer", "minimum": 0 }))]),
            body: None,
            answers: vec![(204, "Ended.", None), (404, "There is no such session.", None)],
        },
        get(
            "/killcord/api/v1/tokens",
            "Who is let in: keys, and paired browsers. For operators.",
            json!([]),
            vec![(200, "The tokens.", tokens)],
        ),
        Operation {
            path: "/killcord/api/v1/tokens/{name}",
            method: "delete",
            summary: "Revokes a token and whom it has let in; their sessions end at once. For operators.",
            parameters: json!([inside("name", &json!({ "type": "string", "minLength": 1 }))]),
            body: None,
            answers: vec![
                (204, "Revoked.", None),
                (404, "There is no such token.", None),
                (507, "Revoked; the disk did not take it, and a restart undoes it.", None),
            ],
        },
        Operation {
            path: "/killcord/api/v1/links",
            method: "post",
            summary: "Makes a link that lets one browser in, once, for ten minutes. For operators.",
            parameters: json!([]),
            body: link,
            answers: vec![(200, "The link.", linked), (400, "Not what is taken here.", None)],
        },
        command(
            "/killcord/api/v1/arm",
            "post",
            "Arms the rig in the name of an operator's session.",
            json!([]),
            arm,
            &[],
        ),
        at_once(
            "/killcord/api/v1/safe",
            "Makes the rig safe by its controlled sequence; it stays connected.",
        ),
        at_once("/killcord/api/v1/stop", "Safe stop, by the rig's `on_safe_stop`."),
        at_once(
            "/killcord/api/v1/release",
            "Makes the rig safe, hands it back and disconnects. For operators.",
        ),
        command(
            "/killcord/api/v1/devices/{device}/controls/{control}",
            "put",
            "Sets a control in the name of an operator's session.",
            json!([
                inside("device", &json!({ "type": "string", "minLength": 1 })),
                inside("control", &json!({ "type": "string", "minLength": 1 })),
            ]),
            set,
            &[(404, "There is no such control."), (422, "The control does not take this value.")],
        ),
        get(
            "/killcord/api/v1/readings",
            "The recent past of readings.",
            json!([
                asked("device", &json!({ "type": "string" })),
                asked("name", &json!({ "type": "string" })),
                asked("since_ms", &json!({ "type": "integer", "minimum": 0, "maximum": u64::MAX })),
            ]),
            vec![(200, "The readings.", readings), (400, "Not what can be asked for.", None)],
        ),
        get(
            "/killcord/api/v1/teardowns",
            "The last teardowns, the newest first.",
            json!([asked("most", &json!({ "type": "integer", "minimum": 0, "maximum": 1000 }))]),
            vec![(200, "The teardowns.", teardowns), (400, "Not what can be asked for.", None)],
        ),
        get(
            "/killcord/api/v1/teardowns/{id}",
            "One teardown with every exchange.",
            json!([inside("id", &json!({ "type": "integer", "minimum": 0 }))]),
            vec![(200, "The teardown.", teardown), (404, "There is no such teardown.", None)],
        ),
    ]
}

fn inside(name: &str, schema: &Value) -> Value {
    json!({ "name": name, "in": "path", "required": true, "schema": schema })
}

fn asked(name: &str, schema: &Value) -> Value {
    json!({ "name": name, "in": "query", "required": false, "schema": schema })
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let settings = SchemaSettings::draft2020_12().with(|settings| {
        settings.definitions_path = "/components/schemas".into();
        settings.meta_schema = None;
    });
    let mut schemas = settings.into_generator();
    let problem = schemas.subschema_for::<wire::Problem>().to_value();
    let mut paths = serde_json::Map::new();
    for operation in operations(&mut schemas) {
        let mut responses = serde_json::Map::new();
        for (status, words, schema) in operation.answers {
            let (schema, kind) = match (status, operation.path) {
                (400.., _) => (Some(problem.clone()), "application/json"),
                (_, METRICS) => (schema, "text/plain"),
                (_, PAIR) => (schema, "text/html"),
                _ => (schema, "application/json"),
            };
            responses.insert(status.to_string(), answer(words, kind, schema.as_ref()));
        }
        for status in ALWAYS {
            responses.insert(
                status.to_string(),
                answer("Refused: the code says why.", "application/json", Some(&problem)),
            );
        }
        let mut described = json!({
            "summary": operation.summary,
            "parameters": operation.parameters,
            "responses": responses,
        });
        if let Some(body) = operation.body {
            described["requestBody"] =
                json!({ "required": true, "content": { "application/json": { "schema": body } } });
        }
        let path = paths.entry(operation.path).or_insert_with(|| json!({}));
        path[operation.method] = described;
    }
    let document = json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Killcord",
            "version": format!("{}", wire::VERSION),
            "description": "A rig over HTTP. Only for browsers that are paired, and for keys; requests of a \
                browser that change something need the page's own `Origin`. HTTP holds no lease: `arm` and `PUT` name the session of a page that does.",
        },
        "security": [{ "cookie": [] }, { "key": [] }],
        "paths": paths,
        "components": {
            "schemas": schemas.take_definitions(true),
            "securitySchemes": {
                "cookie": { "type": "apiKey", "in": "cookie", "name": "killcord-PORT",
                    "description": "PORT is the server's; the value is had by pairing. Where it is encrypted, the name \
                        begins with `__Host-`, or `__Secure-` below a base path." },
                "key": { "type": "http", "scheme": "bearer", "description": "A key of `killcord token add`." },
            },
        },
    });
    writeln!(std::io::stdout().lock(), "{document:#}")?;
    Ok(())
}

fn answer(words: &str, kind: &str, schema: Option<&Value>) -> Value {
    match schema {
        Some(schema) => json!({
            "description": words,
            "content": { kind: { "schema": schema } },
        }),
        None => json!({ "description": words }),
    }
}
