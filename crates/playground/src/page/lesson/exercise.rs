//! An exercise: what to do, with ticks that set themselves, hints from vague to plain, and the solution at last.

use drydock_sorted::{SortedMap, SortedSet};

use drydock_lessons::{Check, Exercise, Task};
use web_sys::Element;
use yew::{Callback, Component, Context, Html, NodeRef, Properties, classes, html};

use crate::page::icons::icon;
use crate::page::lesson::{Wish, raw};
use crate::page::sight::Sight;

/// What a card is given.
#[derive(Properties, PartialEq)]
pub struct Props {
    /// Its place in the lesson.
    pub index: usize,
    /// The exercise.
    pub exercise: Exercise,
    /// Tasks that are solved.
    pub solved: SortedSet<usize>,
    /// Whether it's the one that is being worked on.
    pub active: bool,
    /// What to do.
    pub on_wish: Callback<Wish>,
}

/// What happens on a card.
pub enum Msg {
    /// The next hint of a task.
    Hint(usize),
    /// The solution of a task.
    Solution(usize),
}

/// The component.
pub struct Card {
    host: NodeRef,
    /// How many hints of each task are shown.
    hints: SortedMap<usize, usize>,
    /// Tasks whose solution is shown.
    solutions: SortedSet<usize>,
    sight: Option<Sight>,
}

impl Component for Card {
    type Message = Msg;
    type Properties = Props;

    fn create(_: &Context<Card>) -> Card {
        Card { host: NodeRef::default(), hints: SortedMap::new(), solutions: SortedSet::new(), sight: None }
    }

    /// The exercise in the middle of what the learner reads is the one that is being worked on.
    fn rendered(&mut self, ctx: &Context<Card>, first: bool) {
        let Some(host) = self.host.cast::<Element>().filter(|_| first) else { return };
        let (index, on_wish) = (ctx.props().index, ctx.props().on_wish.clone());
        self.sight = Sight::watch(&host, "-35% 0px -35% 0px", move || on_wish.emit(Wish::Exercise(index)));
    }

    fn update(&mut self, _: &Context<Card>, message: Msg) -> bool {
        match message {
            Msg::Hint(task) => *self.hints.entry(task).or_insert(0) += 1,
            Msg::Solution(task) => {
                self.solutions.insert(task);
            }
        }
        true
    }

    fn view(&self, ctx: &Context<Card>) -> Html {
        let props = ctx.props();
        let exercise = &props.exercise;
        let all = exercise.tasks.len();
        let done = props.solved.iter().filter(|task| **task < all).count();
        let whole = done == all && all > 0;
        let title = if exercise.title.is_empty() { "Try it" } else { &exercise.title };
        let index = props.index;
        let work = props.on_wish.reform(move |_| Wish::Exercise(index));
        html! {
            <section ref={&self.host} class={classes!("exercise", props.active.then_some("active"), whole.then_some("whole"))}
                aria-label={format!("Exercise: {title}")} onclick={work}>
                <header>
                    <h4>{ icon(if whole { "check" } else { "flag" }) }{ title }</h4>
                    <span class="spacer" />
                    <span class="badge" role="status">
                        { if whole { "done".to_owned() } else { format!("{done} of {all}") } }
                    </span>
                </header>
                <div class="prose">{ raw(&exercise.html) }</div>
                <ol class="tasks">
                    { for exercise.tasks.iter().enumerate().map(|(at, task)| self.task(ctx, at, task)) }
                </ol>
                if whole { <p class="cheer">{ "All of it done. Well done." }</p> }
            </section>
        }
    }
}

impl Card {
    fn task(&self, ctx: &Context<Card>, at: usize, task: &Task) -> Html {
        let props = ctx.props();
        let solved = props.solved.contains(&at);
        let first_open = (0..props.exercise.tasks.len()).find(|task| !props.solved.contains(task)) == Some(at);
        let state = if solved { "solved" } else { "open" };
        let index = props.index;
        let tick = props.on_wish.reform(move |_| Wish::Tick(index, at));
        let shown = self.hints.get(&at).copied().unwrap_or(0).min(task.hints.len());
        let link = ctx.link();
        let more = shown < task.hints.len();
        let hint = match (shown, task.hints.len()) {
            (0, _) => "Hint".to_owned(),
            (shown, all) => format!("Next hint ({} of {all})", shown + 1),
        };
        let offer_solution = !solved && !more && !task.solution.is_empty() && !self.solutions.contains(&at);
        html! {
            <li class={classes!("task", state, (first_open && props.active).then_some("next"))}>
                if task.check == Check::ByHand {
                    <button class="tick" role="checkbox" aria-checked={solved.to_string()} aria-label="Done" onclick={tick}>
                        { icon("check") }
                    </button>
                } else {
                    <span class="tick" role="img" aria-label={if solved { "done" } else { "not done yet" }}>{ icon("check") }</span>
                }
                <div class="task-body">
                    <span class="task-text">{ raw(&task.html) }</span>
                    if shown > 0 {
                        <ul class="hints">
                            { for task.hints.iter().take(shown).map(|hint| html! { <li>{ raw(hint) }</li> }) }
                        </ul>
                    }
                    if self.solutions.contains(&at) { { solution(task, &props.on_wish) } }
                    if !solved && (more || offer_solution) {
                        <span class="helps">
                            if more {
                                <button class="link" onclick={link.callback(move |_| Msg::Hint(at))}>{ icon("bulb") }{ hint }</button>
                            }
                            if offer_solution {
                                <button class="link" onclick={link.callback(move |_| Msg::Solution(at))}>{ "Show the solution" }</button>
                            }
                        </span>
                    }
                </div>
            </li>
        }
    }
}

fn solution(task: &Task, on_wish: &Callback<Wish>) -> Html {
    let text = task.solution.trim_end().to_owned();
    html! { <super::code::CodeBlock language="bash" {text} file={None::<String>} on_wish={on_wish.clone()} /> }
}
