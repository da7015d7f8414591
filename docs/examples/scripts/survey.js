// A survey of two questions. It goes on where the device stopped, asks again what it does not understand, and gives
// up after a day without an answer.

const PROGRAM = "survey";
const DAY = 86400;

function begin() {
  const done = getStoredValue("surveyDone");
  if (done instanceof Date) {
    log("asked before, on", formatDate(done, "yyyy-MM-dd"));
    endConversation();
    return;
  }
  ask("How old are you?", "age");
}

function ask(question, next) {
  sendTextMessage(PROGRAM, question);
  getConversation().set("nextAction", next);
  waitForReply(DAY, "tooLate");
}

// Called for the reply to the first question, for `nextAction` names it.
function age() {
  const years = Number.parseInt(getContactAttempt().text, 10);
  if (!(years > 0 && years < 130)) {
    ask("Sorry, how old are you, in years?", "age");
    return;
  }
  getConversation().set("age", years);
  ask("How did you like it, from 1 to 5?", "rating");
}

function rating() {
  const given = /[1-5]/.exec(getContactAttempt().text);
  if (given === null) {
    ask("A number from 1 to 5, please.", "rating");
    return;
  }
  const conversation = getConversation();
  conversation.set("rating", Number(given[0]));
  conversation.remove("nextAction");
  setStoredValue("surveyDone", new Date());
  callWebService("results", {
    path: "/survey",
    body: JSON.stringify({ client: getContact().clientId, age: conversation.get("age"), rating: conversation.get("rating") }),
  }, "handedIn");
  sendTextMessage(PROGRAM, "Thank you!");
}

function handedIn() {
  const answer = getWebAnswer();
  if (answer.status !== 200) flagForAgent(`the survey could not be handed in: ${answer.status} ${answer.error}`);
  endConversation();
}

function tooLate() {
  log("no answer in a day");
  endConversation();
}

function moHandler() {
  begin();
}

function optOutHandler() {
  sendTextMessage(PROGRAM, "You will get no more surveys.");
}

function helpHandler() {
  sendTextMessage(PROGRAM, "Two questions, at no cost. Reply STOP to end.");
}
