//! One compiled script in a world of its own: a runtime, a context with frozen intrinsics, and a factory that makes
//! the script's variables anew for each invocation.

use std::borrow::Cow;
use std::rc::Rc;
use std::time::Duration;

use rquickjs::context::{EvalOptions, intrinsic};
use rquickjs::function::Args;
use rquickjs::{
    CatchResultExt, CaughtError, Context, Ctx, Function, IntoJs, Module, Object, Persistent, Runtime, Value,
};
use signalbox_invocation::{Failure, Invocation, Limits, Outcome};

use crate::budget::{Budget, Stop};
use crate::bundle::{Bundle, Kind};
use crate::host::{self, Ended, Given, spread};
use crate::methods::methods;
use crate::source_limit;

/// Stack of the engine in octets: deep recursion ends as an error of the script, long before the process's stack does.
const STACK: usize = 256 << 10;

/// Heap in octets for parsing and compiling.
const COMPILING: usize = 64 << 20;

/// Characters that are kept of what a script threw.
const TOLD: usize = 200;

/// Only what scripts need: no typed arrays, proxies, weak references or clocks.
type Intrinsics = (
    intrinsic::Date,
    intrinsic::Eval,
    intrinsic::RegExpCompiler,
    intrinsic::RegExp,
    intrinsic::Json,
    intrinsic::MapSet,
    intrinsic::Promise,
);

/// A place in a source that is no JavaScript.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SyntaxError {
    pub(crate) message: String,
    pub(crate) line: u32,
    pub(crate) column: u32,
}

/// A compiled script. What it holds is only its own: it shares no memory with another.
pub struct Program {
    // Values of the engine go before the engine itself.
    configure: Persistent<Function<'static>>,
    start: Persistent<Function<'static>>,
    finish: Persistent<Function<'static>>,
    forget: Persistent<Function<'static>>,
    names: Persistent<Function<'static>>,
    factory: Persistent<Function<'static>>,
    context: Context,
    budget: Rc<Budget>,
    limits: Option<Limits>,
    spoiled: bool,
}

impl Program {
    /// Compiles a source.
    ///
    /// # Errors
    /// [`Failure::Invalid`] where it is neither a script nor a [`Bundle`], with line and column; [`Failure::TooLong`] where compiling took
    /// half of the hard limit.
    pub fn compile(source: &str, limits: &Limits) -> Result<Self, Failure> {
        let most = source_limit(source);
        if source.len() > most {
            return Err(Failure::Invalid(format!("{} octets of source, the limit is {most}", source.len())));
        }
        let bundle = Bundle::of(source).transpose().map_err(|error| Failure::Invalid(error.to_string()))?;
        let wrong = |file: &str, SyntaxError { message, line, column }| {
            Failure::Invalid(format!("{file}line {line}, column {column}: {message}"))
        };
        match &bundle {
            None => check_syntax(source).map_err(|error| wrong("", error))?,
            Some(bundle) => {
                for (path, text) in
                    bundle.files.iter().filter(|(path, _)| Kind::of(path) == Some(Kind::Script))
                {
                    check_syntax(text).map_err(|error| wrong(&format!("{path}, "), error))?;
                }
            }
        }
        let runtime = runtime().map_err(|error| Failure::Invalid(error.to_string()))?;
        runtime.set_memory_limit(COMPILING);
        let budget = Rc::new(Budget::new());
        let watched = Rc::clone(&budget);
        runtime.set_interrupt_handler(Some(Box::new(move || watched.tick())));
        let time = limits.hard_ms / 2;
        budget.begin(Duration::from_millis(time.into()), u64::MAX);
        let context =
            Context::custom::<Intrinsics>(&runtime).map_err(|error| Failure::Invalid(error.to_string()))?;
        let program = context.with(|ctx| {
            let built =
                build(&ctx, source, bundle.as_ref()).catch(&ctx).map_err(|error| match budget.stopped() {
                    // The machine was slow, which says nothing of the source.
                    Some(_) => Failure::TooLong { millis: time },
                    None => Failure::Invalid(told(&error).0),
                })?;
            let [configure, start, finish, forget, names, factory] =
                built.map(|function| Persistent::save(&ctx, function));
            Ok::<_, Failure>((configure, start, finish, forget, names, factory))
        })?;
        // The heap is the script's own: what its world takes is not counted.
        let world = usize::try_from(runtime.memory_usage().malloc_size).unwrap_or(0);
        runtime.set_memory_limit(world.saturating_add(limits.heap));
        let (configure, start, finish, forget, names, factory) = program;
        Ok(Self {
            configure,
            start,
            finish,
            forget,
            names,
            factory,
            context,
            budget,
            limits: None,
            spoiled: false,
        })
    }

    /// Runs one invocation.
    ///
    /// # Errors
    /// See [`Failure`]. What the run wanted is forgotten then.
    pub fn run(&mut self, invocation: &Invocation, limits: &Limits) -> Result<Outcome, Failure> {
        let given = Given::new(invocation).map_err(|error| Failure::Invalid(error.to_string()))?;
        self.run_given(&given, limits)?.outcome(limits)
    }

    /// The same of what was written elsewhere; what it wants is read elsewhere, too.
    pub(crate) fn run_given(
        &mut self,
        given: &Given<'_>,
        limits: &Limits,
    ) -> Result<Ended<'static>, Failure> {
        self.configure(limits)?;
        self.budget.begin(Duration::from_millis(limits.soft_ms.into()), limits.ticks);
        let ended = self.context.with(|ctx| self.called(&ctx, given, limits));
        // What allocates or runs without end may leave a heap behind that nobody else should run in.
        self.spoiled = matches!(
            ended,
            Err(Failure::TooLong { .. }
                | Failure::TooMuch { .. }
                | Failure::TooLarge { .. }
                | Failure::BadOutcome(_))
        );
        let json = Cow::Owned(ended?);
        Ok(Ended { json, micros: self.budget.micros(), ticks: self.budget.ticks() })
    }

    /// True when it should be compiled anew before it is run again.
    #[must_use]
    pub fn is_spoiled(&self) -> bool {
        self.spoiled
    }

    /// Names of all global functions that scripts can call.
    ///
    /// # Errors
    /// When the engine fails.
    pub fn names(&self) -> Result<Vec<String>, Failure> {
        let text: String = self
            .context
            .with(|ctx| self.names.clone().restore(&ctx)?.call(()))
            .map_err(|error: rquickjs::Error| Failure::BadOutcome(error.to_string()))?;
        serde_json::from_str(&text).map_err(|error| Failure::BadOutcome(error.to_string()))
    }

    fn configure(&mut self, limits: &Limits) -> Result<(), Failure> {
        if self.limits == Some(*limits) {
            return Ok(());
        }
        let text = serde_json::to_string(limits).map_err(|error| Failure::Invalid(error.to_string()))?;
        self.context
            .with(|ctx| self.configure.clone().restore(&ctx)?.call::<_, ()>((text,)))
            .map_err(|error| Failure::Invalid(error.to_string()))?;
        self.limits = Some(*limits);
        Ok(())
    }

    fn called(&self, ctx: &Ctx<'_>, given: &Given<'_>, limits: &Limits) -> Result<String, Failure> {
        let ran = self.method(ctx, given).catch(ctx).map_err(|error| failure(&error, limits));
        self.budget.look();
        match self.budget.stopped() {
            Some(Stop::Time) => return Err(Failure::TooLong { millis: limits.soft_ms }),
            Some(Stop::Ticks) => return Err(Failure::TooMuch { ticks: limits.ticks }),
            None => {}
        }
        if let Err(thrown @ (Failure::TooLarge { .. } | Failure::BadOutcome(_))) = ran {
            let _ = self.forget.clone().restore(ctx).and_then(|forget| forget.call::<_, ()>(()));
            return Err(thrown);
        }
        // A bound of the API that was passed is told as that, whatever the script made of the error.
        let json: String = self
            .finish
            .clone()
            .restore(ctx)
            .and_then(|finish| finish.call(()))
            .catch(ctx)
            .map_err(|error| failure(&error, limits))?;
        let Err(thrown) = ran else { return Ok(json) };
        let ended = Ended { json: Cow::Owned(json), micros: 0, ticks: 0 };
        Err(ended.excess().map_or(thrown, Failure::Excess))
    }

    /// Calls the method, and does what it put off with promises: nothing else comes to a script later.
    fn method(&self, ctx: &Ctx<'_>, given: &Given<'_>) -> rquickjs::Result<()> {
        let mut args = Args::new(ctx.clone(), 15);
        args.push_arg(self.factory.clone().restore(ctx)?)?;
        args.push_arg(&*given.entry)?;
        // Milliseconds, as the engine has its times.
        args.push_arg(given.now as f64 / 1_000.0)?;
        for word in spread(given.seed) {
            args.push_arg(word)?;
        }
        args.push_arg(given.test)?;
        for text in [
            &given.conversation,
            &given.source_address,
            &given.context,
            &given.contact,
            &given.devices,
            &given.values,
            &given.history,
        ] {
            args.push_arg(&**text)?;
        }
        let value: Value<'_> = self.start.clone().restore(ctx)?.call_arg(args)?;
        while self.budget.stopped().is_none() && ctx.execute_pending_job() {
            self.budget.look();
        }
        match value.as_promise().and_then(rquickjs::Promise::result::<Value<'_>>) {
            Some(Err(error)) => Err(error),
            Some(Ok(_)) | None => Ok(()),
        }
    }
}

fn runtime() -> rquickjs::Result<Runtime> {
    let runtime = Runtime::new()?;
    runtime.set_max_stack_size(STACK);
    Ok(runtime)
}

/// The world, sealed, and then the script's factory.
fn build<'js>(ctx: &Ctx<'js>, source: &str, bundle: Option<&Bundle>) -> rquickjs::Result<[Function<'js>; 6]> {
    let sandbox: Object<'js> = ctx.eval_with_options(host::SANDBOX, named("sandbox"))?;
    let api: Function<'js> = ctx.eval_with_options(host::API, named("api"))?;
    let segments = Function::new(ctx.clone(), |text: String| host::segments_of(&text))?;
    let calls: Object<'js> = api.call((sandbox.clone(), segments))?;
    sandbox.get::<_, Function<'js>>("seal")?.call::<_, ()>(())?;

    let factory = match bundle {
        None => ctx.eval_with_options(factory_of(PROLOGUE, source), named("script"))?,
        Some(bundle) => {
            let main: Function<'js> =
                ctx.eval_with_options(factory_of(MAIN, bundle.main()), named(&file_name(&bundle.entry)))?;
            let files = Object::new(ctx.clone())?;
            for (path, text) in &bundle.files {
                let file = match Kind::of(path) {
                    Some(Kind::Script) => ctx.eval_with_options::<Value<'js>, _>(
                        format!("{FILE}{text}\n}})"),
                        named(&file_name(path)),
                    )?,
                    Some(Kind::Data) => text.as_str().into_js(ctx)?,
                    None => continue,
                };
                files.set(path.as_str(), file)?;
            }
            calls.get::<_, Function<'js>>("bundle")?.call((main, bundle.entry.as_str(), files))?
        }
    };
    Ok([
        calls.get("configure")?,
        calls.get("start")?,
        calls.get("finish")?,
        calls.get("forget")?,
        calls.get("names")?,
        factory,
    ])
}

/// A function that makes a source's variables, and hands its methods out by name; one that is there by another means
/// than a declaration cannot be called.
fn factory_of(prologue: &str, source: &str) -> String {
    let mut text = String::with_capacity(source.len() + 512);
    text.push_str(prologue);
    text.push_str(source);
    text.push_str("\n;return {__proto__: null");
    for name in methods(source) {
        text.push_str(&format!(", \"{name}\": typeof {name} === \"function\" ? {name} : undefined"));
    }
    text.push_str("};})");
    text
}

/// The name of a file of a bundle in what is told of errors.
fn file_name(path: &str) -> String {
    format!("script:{path}")
}

/// On the source's first line, so that lines are the author's.
const PROLOGUE: &str = "(function () { \"use strict\"; ";
/// The same of the file that a bundle begins with.
const MAIN: &str = "(function (require) { \"use strict\"; ";
/// The same of each other file.
const FILE: &str = "(function (exports, module, require) { \"use strict\"; ";

fn named(filename: &str) -> EvalOptions {
    let mut options = EvalOptions::default();
    options.filename = Some(filename.to_owned());
    options
}

/// Parses a source standing alone, so that it cannot end the function that it is put into.
pub(crate) fn check_syntax(source: &str) -> Result<(), SyntaxError> {
    let elsewhere = |message: String| SyntaxError { message, line: 1, column: 1 };
    let runtime = runtime().map_err(|error| elsewhere(error.to_string()))?;
    runtime.set_memory_limit(COMPILING);
    let context = Context::custom::<Intrinsics>(&runtime).map_err(|error| elsewhere(error.to_string()))?;
    context.with(|ctx| {
        let declared = Module::declare(ctx.clone(), "script", source).catch(&ctx);
        declared.map(|_| ()).map_err(|error| {
            let (message, at) = told(&error);
            let mut numbers = at.rsplit(':').map(|part| part.trim_end_matches(')').parse().unwrap_or(1));
            let column = numbers.next().unwrap_or(1);
            SyntaxError { message, line: numbers.next().unwrap_or(1), column }
        })
    })
}

fn failure(error: &CaughtError<'_>, limits: &Limits) -> Failure {
    if let CaughtError::Error(rquickjs::Error::Allocation) = error {
        return Failure::TooLarge { octets: limits.heap };
    }
    // Where there is no memory for an error, the engine throws null.
    let without_error = matches!(error, CaughtError::Value(value) if value.is_null());
    let (message, at) = told(error);
    if without_error || message == "out of memory" {
        return Failure::TooLarge { octets: limits.heap };
    }
    Failure::Threw { message, at }
}

/// What was thrown, and where: the first place in the script itself.
fn told(error: &CaughtError<'_>) -> (String, String) {
    let cut = |text: &str| text.chars().take(TOLD).collect::<String>();
    match error {
        CaughtError::Error(error) => (cut(&error.to_string()), String::new()),
        CaughtError::Exception(exception) => {
            let message = exception.message().unwrap_or_default();
            let stack = exception.stack().unwrap_or_default();
            let at = stack.lines().map(str::trim).find(|line| line.contains("script:")).unwrap_or_default();
            (cut(&message), cut(at.trim_start_matches("at ")))
        }
        CaughtError::Value(value) => {
            let text = value.as_string().and_then(|text| text.to_string().ok());
            (
                text.map_or_else(|| format!("a value of type {}", value.type_name()), |text| cut(&text)),
                String::new(),
            )
        }
    }
}
