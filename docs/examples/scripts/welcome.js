// Greets a contact, and answers what comes back with one text.

const PROGRAM = "welcome";

function begin() {
  const contact = getContact();
  if (contact.firstName === "") {
    getScriptContext().setStatus("badData", "no first name");
    return;
  }
  sendTextMessage(PROGRAM, `Hello ${contact.firstName}, welcome to ${getAccount().name}. Reply HELP for help, STOP to end.`);
}

function moHandler() {
  const message = getContactAttempt();
  if (foldText(message.text).includes("agent")) {
    flagForAgent("asked for a person");
    return;
  }
  sendTextMessage(PROGRAM, "Thank you. Reply AGENT to write with a person.");
}

function optOutHandler() {
  sendTextMessage(PROGRAM, "You will get no more messages from us.");
  optOut("account");
}

function helpHandler() {
  sendTextMessage(PROGRAM, "Questions? Call 1-800-555-0100. Reply STOP to end.");
}
