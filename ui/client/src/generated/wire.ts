// Generated from crates/wire by `cargo xtask generate`. Do not edit.

export const VERSION = 1;

export type ToHost = { "t": "hello", 
/**
 * [`crate::VERSION`].
 */
v: number, 
/**
 * The token of the session to go on with.
 */
resume?: string, 
/**
 * Names this document; a goodbye has to carry it.
 */
nonce: string, 
/**
 * The role that it would like.
 */
want: Role, } | { "t": "beat", 
/**
 * Counts up; comes back in the ack.
 */
n: number, 
/**
 * Whether the page can be seen.
 */
visible: boolean, 
/**
 * Since the page's main thread last answered its worker, in milliseconds.
 */
main_ms?: number, 
/**
 * Since the person last gave input, in milliseconds.
 */
input_ms?: number, } | { "t": "bye", 
/**
 * Whose goodbye.
 */
session: number, 
/**
 * Of which document.
 */
nonce: string, 
/**
 * It went into the browser's back/forward cache and may come back.
 */
persisted: boolean, } | { "t": "take_control", 
/**
 * Without waiting for the holder.
 */
force?: boolean, } | { "t": "yield_control", 
/**
 * To that session and to no other. Where it cannot take it, control stays.
 */
to?: number, } | { "t": "stay" } | { "t": "arm", 
/**
 * The epoch that the page believes in.
 */
epoch: string, 
/**
 * Names the command; seen again, it is answered and not repeated.
 */
id: string, } | { "t": "safe" } | { "t": "stop" } | { "t": "set", 
/**
 * The epoch that the page believes in.
 */
epoch: string, 
/**
 * Names the command; seen again, it is answered and not repeated.
 */
id: string, 
/**
 * The device's name.
 */
device: string, 
/**
 * The control's name.
 */
control: string, 
/**
 * A number, a truth value or one of its options; `true` for a button.
 */
value: boolean | number | string, } | { "t": "acknowledge", 
/**
 * The epoch that the page believes in.
 */
epoch: string, };

export type ToPage = { "t": "welcome", 
/**
 * The session's id.
 */
session: number, 
/**
 * The token to go on with after a reload; another one at each welcome.
 */
resume: string, 
/**
 * The role that it has.
 */
role: Role, 
/**
 * The epoch to give with commands.
 */
epoch: string, 
/**
 * Whether the session goes on from an earlier page.
 */
resumed: boolean, 
/**
 * The times that the page has to know.
 */
policy: PolicyView, 
/**
 * The rig's own words, HTML, by their keys in the rig file. An element with `data-killcord` of `time` or
 * `hardware` is filled in by the page, as text.
 */
messages?: Partial<Record<string, string>>, 
/**
 * Everything there is to show.
 */
rig: RigView, 
/**
 * The host's clocks.
 */
now: Moment, } | { "t": "ack", 
/**
 * Of that beat.
 */
n: number, 
/**
 * The lease ends so many milliseconds from now if nothing more is heard.
 */
expires_ms: number, 
/**
 * The session ends so many milliseconds from now if the person gives no input.
 */
idle_ms?: number, } | { "t": "rig", 
/**
 * [`RigView::state`].
 */
state?: RigState, 
/**
 * [`RigView::arm_refused`].
 */
arm_refused?: Array<ArmRefusal>, 
/**
 * [`RigView::trip`]; `null` for none.
 */
trip?: Trip | null, 
/**
 * [`RigView::unclean`]; `null` for none.
 */
unclean?: UncleanRun | null, 
/**
 * [`RigView::watchdog`].
 */
watchdog?: WatchdogView, 
/**
 * [`RigView::app`].
 */
app?: AppView, 
/**
 * [`RigView::notices`].
 */
notices?: Array<string>, 
/**
 * States of devices by their place.
 */
devices?: Array<[number, DeviceState]>, 
/**
 * [`DeviceView::identity`] by the device's place, once it said what it is.
 */
identities?: Array<[number, string]>, 
/**
 * [`ControlView::setpoint`] by the device's place and the control's name.
 */
setpoints?: Array<[number, string, boolean | number | string | null]>, } | { "t": "readings", 
/**
 * In the order they came.
 */
readings: Array<ReadingUpdate>, } | { "t": "control", 
/**
 * The operator's session.
 */
holder?: number, 
/**
 * The session that asks for it.
 */
asking?: number, 
/**
 * The reader's own role.
 */
role: Role, 
/**
 * The epoch to give with commands.
 */
epoch: string, } | { "t": "warning", 
/**
 * What.
 */
kind: WarningKind, 
/**
 * In so many milliseconds.
 */
in_ms: number, } | { "t": "teardown", 
/**
 * The first cause.
 */
cause: Cause, 
/**
 * The cause in words.
 */
text: string, 
/**
 * The sequence that is due.
 */
mode: Mode, 
/**
 * How far it goes.
 */
extent: Extent, 
/**
 * At the latest so many milliseconds from now.
 */
deadline_ms: number, 
/**
 * Each device that it concerns.
 */
devices: Array<TeardownDevice>, 
/**
 * Over: every device's `status` is final.
 */
done: boolean, } | { "t": "ended", 
/**
 * Why.
 */
reason: SessionEnd, 
/**
 * What the host knows of the hardware at this moment.
 */
hardware: Hardware, 
/**
 * The rig's own words for it, as in the welcome, time and hardware filled in; empty where the rig has none.
 */
message: string, } | { "t": "done", 
/**
 * The command's id.
 */
id: string, } | { "t": "error", 
/**
 * The command's id, where it had one.
 */
id?: string, 
/**
 * Stable.
 */
code: ErrorCode, 
/**
 * What to do next, in words.
 */
message: string, };

export type ReadingUpdate = { 
/**
 * The device's place in [`RigView::devices`].
 */
device: number, 
/**
 * The reading's, or control's, name.
 */
name: string, 
/**
 * A readback of a control rather than a reading.
 */
control?: boolean, 
/**
 * When it was read, in milliseconds of the host's clock ([`Moment::host_ms`]).
 */
at_ms: number, 
/**
 * The value; absent when none could be had.
 */
value?: boolean | number | string, 
/**
 * Why there is none.
 */
error?: string, 
/**
 * Outside its limits.
 */
outside?: boolean, };

export type WarningKind = "idle" | "take_over" | "hold_over" | "page_not_responding";

export type TeardownDevice = { 
/**
 * The device's place in [`RigView::devices`].
 */
device: number, 
/**
 * What it is doing, in words: `waiting for psu`, `OUTP OFF`, `verified`.
 */
doing: string, 
/**
 * How it ended, once it has.
 */
status?: Status, 
/**
 * The end counts as safe: verified, or declared as one that nothing can be read from.
 */
confirmed: boolean, 
/**
 * Handed back and closed.
 */
released: boolean, 
/**
 * What a person should know or check.
 */
remarks: Array<string>, };

export type Hardware = "safe" | "armed" | "making_safe" | "not_safe";

export type ErrorCode = "bad_frame" | "version" | "hello_first" | "stale_epoch" | "not_operator" | "not_given" | "in_grace" | "arm_refused" | "arm_failed" | "not_armed" | "not_connected" | "unknown" | "bad_value" | "device_failed" | "busy" | "stopping";

export type Moment = { 
/**
 * Milliseconds since the host started, monotonic.
 */
host_ms: number, 
/**
 * Milliseconds since 1970 by the host's wall clock.
 */
unix_ms: number, };

export type PolicyView = { 
/**
 * How often it beats.
 */
beat_ms: number, 
/**
 * Silence after which its lease is over.
 */
expire_after_ms: number, 
/**
 * Within which a reload comes back.
 */
reload_grace_ms: number, 
/**
 * The longest a whole teardown may take.
 */
deadline_ms: number, 
/**
 * What becomes of the hardware when this session loses control and others remain.
 */
on_control_lost: OnLost, 
/**
 * What becomes of it when this session was the last.
 */
on_last_session: OnLast, 
/**
 * The longest that it is left running without an operator.
 */
hold_for_ms: number, };

export type RigState = "opening" | "safe" | "arming" | "armed" | "making_safe" | "not_safe" | "released";

export type RigView = { 
/**
 * `[rig] name`.
 */
name: string, 
/**
 * The rig file, as it was named.
 */
file: string, 
/**
 * Where it stands.
 */
state: RigState, 
/**
 * Why it cannot be armed; empty when it can.
 */
arm_refused: Array<ArmRefusal>, 
/**
 * Whether this rig has anything to arm.
 */
arms: boolean, 
/**
 * What tripped, until acknowledged.
 */
trip: Trip | null, 
/**
 * The run before did not end cleanly, until acknowledged.
 */
unclean: UncleanRun | null, 
/**
 * What covers a killed or hung host.
 */
watchdog: WatchdogView, 
/**
 * The wrapped app; absent where the rig has none.
 */
app?: AppView, 
/**
 * What a person should know: full disk, journal not written.
 */
notices: Array<string>, 
/**
 * In file order.
 */
devices: Array<DeviceView>, };

export type RigPatch = { 
/**
 * [`RigView::state`].
 */
state?: RigState, 
/**
 * [`RigView::arm_refused`].
 */
arm_refused?: Array<ArmRefusal>, 
/**
 * [`RigView::trip`]; `null` for none.
 */
trip?: Trip | null, 
/**
 * [`RigView::unclean`]; `null` for none.
 */
unclean?: UncleanRun | null, 
/**
 * [`RigView::watchdog`].
 */
watchdog?: WatchdogView, 
/**
 * [`RigView::app`].
 */
app?: AppView, 
/**
 * [`RigView::notices`].
 */
notices?: Array<string>, 
/**
 * States of devices by their place.
 */
devices?: Array<[number, DeviceState]>, 
/**
 * [`DeviceView::identity`] by the device's place, once it said what it is.
 */
identities?: Array<[number, string]>, 
/**
 * [`ControlView::setpoint`] by the device's place and the control's name.
 */
setpoints?: Array<[number, string, boolean | number | string | null]>, };

export type ArmRefusal = { 
/**
 * Stable: `trip`, `not_safe`, `device_missing`, `unclean`, `watchdog`, `no_operator`, `busy`, `nothing`.
 */
code: string, 
/**
 * What to do next, in words.
 */
message: string, };

export type Trip = { 
/**
 * The reading, by device and name, and what it was: `furnace temperature 131 °C above 120 °C`.
 */
text: string, 
/**
 * When, in milliseconds of the host's clock.
 */
at_ms: number, };

export type UncleanRun = { 
/**
 * Its number.
 */
run: number, 
/**
 * When it was last heard of, in milliseconds since 1970.
 */
last_unix_ms: number, 
/**
 * Whether the rig was armed then.
 */
was_armed: boolean, 
/**
 * What the watchdog did after it, if it left a report.
 */
by_watchdog: WatchdogAct | null, };

export type WatchdogView = { 
/**
 * Where it stands.
 */
state: WatchdogState, 
/**
 * Why there is none, and what to do about it, in words.
 */
why: string | null, 
/**
 * The protections that it lacks, each with what mends it, in words; empty if it has all.
 */
protections: Array<string>, };

export type WatchdogState = "starting" | "watching" | "missing" | "off";

export type WatchdogAct = { 
/**
 * What had happened, in words: `the host was killed`, `the host did not answer for 5 s`.
 */
why: string, 
/**
 * When it noticed, in milliseconds since 1970.
 */
at_unix_ms: number, 
/**
 * From then to its first safe byte, in milliseconds; `None` if none went out.
 */
first_byte_ms: number | null, 
/**
 * From then to the last of its devices confirmed safe, in milliseconds; `None` if one is not.
 */
safe_ms: number | null, 
/**
 * Every device that it took over.
 */
devices: Array<TeardownDevice>, };

export type AppView = { 
/**
 * Where it stands.
 */
state: AppState, 
/**
 * What was seen of its end by itself, in words.
 */
why: string | null, };

export type AppState = "waiting" | "starting" | "ready" | "stopping" | "stopped" | "exited" | "restarting";

export type DeviceView = { 
/**
 * Its name in the rig file.
 */
name: string, 
/**
 * What people call it.
 */
title: string, 
/**
 * The driver's name.
 */
driver: string, 
/**
 * Where it leads, as a person reads it.
 */
connect: string, 
/**
 * What it said it is, once it did.
 */
identity: string | null, 
/**
 * Where it stands.
 */
state: DeviceState, 
/**
 * Whether it can act at all.
 */
acts: boolean, 
/**
 * In file order.
 */
readings: Array<ReadingView>, 
/**
 * In file order.
 */
controls: Array<ControlView>, };

export type ReadingView = { 
/**
 * Its name in the rig file.
 */
name: string, 
/**
 * What people call it.
 */
title: string, 
/**
 * A label.
 */
unit: string, 
/**
 * Time between two values.
 */
every_ms: number, 
/**
 * Without a good value for so long it is stale.
 */
stale_after_ms: number, 
/**
 * The interlock on it.
 */
limits: LimitsView | null, 
/**
 * The recent past, oldest first: milliseconds of the host's clock, value.
 */
history: Array<[number, number]>, };

export type LimitsView = { 
/**
 * The least that is good.
 */
min: number | null, 
/**
 * The most that is good.
 */
max: number | null, 
/**
 * Makes the rig safe (else only warns).
 */
makes_safe: boolean, };

export type ControlView = { 
/**
 * Its name in the rig file.
 */
name: string, 
/**
 * What people call it.
 */
title: string, 
/**
 * A label.
 */
unit: string, 
/**
 * When it may be used.
 */
needs: Needs, 
/**
 * What it takes.
 */
kind: ControlKindView, 
/**
 * The last value sent and confirmed in this run.
 */
setpoint: boolean | number | string | null, 
/**
 * The last value read back.
 */
readback: boolean | number | string | null, };

export type ControlKindView = { "kind": "number", 
/**
 * The least.
 */
min: number, 
/**
 * The most.
 */
max: number, } | { "kind": "toggle" } | { "kind": "choice", 
/**
 * The words.
 */
options: Array<string>, } | { "kind": "button" };

export type SessionsView = { 
/**
 * By id: the oldest first.
 */
sessions: Array<SessionView>, 
/**
 * The newest last; only so many are kept.
 */
ended: Array<EndedView>, };

export type SessionView = { 
/**
 * Its id.
 */
session: number, 
/**
 * What it is.
 */
kind: SessionKind, 
/**
 * From where a page came; absent for a window or a terminal, which are on this machine. For operators only.
 */
address?: string, 
/**
 * Who that is: the key that its browser was let in by, or else the browser. For operators only.
 */
who?: string, 
/**
 * The role that it has.
 */
role: Role, 
/**
 * How sure the host is of it.
 */
standing: Standing, 
/**
 * It ends in so many milliseconds if nothing more is heard.
 */
lease_ms: number, 
/**
 * So many milliseconds ago its page's main thread last answered: much more than a beat is a page that hangs. Absent
 * for a terminal.
 */
main_ms?: number, };

export type Standing = "live" | "suspect" | "frozen" | "grace";

export type EndedView = { 
/**
 * Its id.
 */
session: number, 
/**
 * Why.
 */
reason: SessionEnd, 
/**
 * From where a page came, as for one that has not ended.
 */
address?: string, 
/**
 * Who that was, as for one that has not ended.
 */
who?: string, };

export type TokensView = { 
/**
 * By name.
 */
tokens: Array<TokenView>, 
/**
 * SHA-256 of the host's certificate, as browsers show it; absent where nothing is encrypted.
 */
fingerprint?: string, };

export type TokenView = { 
/**
 * Unique; it is revoked by it.
 */
name: string, 
/**
 * The cookie of one browser; else a key that `killcord token add` has made.
 */
is_browser: boolean, 
/**
 * What it may do.
 */
role: Role, 
/**
 * By which token it was let in; it goes with that one. Absent: by a link of the host's own.
 */
by?: string, 
/**
 * Which browser, where it is one that is known, such as `Firefox on Linux`.
 */
agent?: string, 
/**
 * When it was made, in milliseconds since 1970.
 */
made_unix_ms: number, 
/**
 * When it is worth nothing any more; absent: not by time.
 */
expires_unix_ms?: number, 
/**
 * It is the asker's own.
 */
here: boolean, };

export type LinkBody = { 
/**
 * What the browser that opens it may do.
 */
role: Role, };

export type LinkView = { 
/**
 * What to open.
 */
link: string, 
/**
 * The same for a camera.
 */
qr?: QrView, 
/**
 * It is worth nothing after so many milliseconds.
 */
expires_ms: number, 
/**
 * SHA-256 of the host's certificate, as browsers show it; absent where nothing is encrypted.
 */
fingerprint?: string, };

export type QrView = { 
/**
 * Its side, in units of the path, with the white around it.
 */
size: number, 
/**
 * The `d` of an SVG path that fills what is dark.
 */
path: string, };

export type DeviceIx = number;

export type ReadingIx = number;

export type Cause = { "cause": "window_closed" } | { "cause": "session_ended", 
/**
 * Why it ended.
 */
reason: SessionEnd, } | { "cause": "control_lost", 
/**
 * Why the operator's session ended.
 */
reason: SessionEnd, } | { "cause": "hold_over" } | { "cause": "signal", 
/**
 * The signal's number.
 */
signal: number, } | { "cause": "terminal_closed" } | { "cause": "safe_stop" } | { "cause": "interlock", 
/**
 * Which.
 */
reading: ReadingIx, } | { "cause": "stale", 
/**
 * Which.
 */
reading: ReadingIx, } | { "cause": "device_fault", 
/**
 * Which.
 */
device: DeviceIx, } | { "cause": "retry", 
/**
 * Which.
 */
device: DeviceIx, } | { "cause": "arm_failed", 
/**
 * At which device.
 */
device: DeviceIx, } | { "cause": "start" } | { "cause": "recovery" } | { "cause": "shutdown" } | { "cause": "suspend" } | { "cause": "log_off" } | { "cause": "display_gone" } | { "cause": "host_starved" } | { "cause": "watchdog_lost" } | { "cause": "host_lost" } | { "cause": "app_exited" } | { "cause": "requested" } | { "cause": "handle_dropped" };

export type DeviceState = "disconnected" | "connecting" | "safe" | "arming" | "armed" | "making_safe" | "releasing" | "released" | { "fault": Fault };

export type Extent = "stay" | "release" | "end";

export type Fault = { "fault": "unreachable", 
/**
 * What was seen, in words.
 */
why: string, } | { "fault": "wrong_identity", 
/**
 * What it answered.
 */
found: string, } | { "fault": "failed", 
/**
 * What was seen, in words.
 */
why: string, } | { "fault": "not_safe", 
/**
 * What was seen, in words.
 */
why: string, };

export type Mode = "safe" | "emergency";

export type Needs = "armed" | "connected";

export type OnLast = "release" | "safe" | "hold";

export type OnLost = "safe" | "hold";

export type Role = "operator" | "observer";

export type SessionEnd = "window_closed" | "page_closed" | "expired" | "frozen" | "idle" | "signed_out" | "ended_by_operator" | "renderer_crashed" | "host_stopping";

export type SessionKind = "window" | "page" | "terminal";

export type Status = "safe_verified" | "safe_unverified" | "failed" | "unreachable";

/** WebSocket close codes by reason. */
export const CLOSE_CODES: Record<number, SessionEnd> = {
  4000: "window_closed",
  4001: "page_closed",
  4002: "expired",
  4003: "frozen",
  4004: "idle",
  4005: "signed_out",
  4006: "ended_by_operator",
  4007: "renderer_crashed",
  4008: "host_stopping",
};
