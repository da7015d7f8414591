// An ESME on the package `smpp`: one case after the other against a node; prints a line for each.
//
//     node esme.js PORT
//
// The exit code is 0 when all cases went well. SIGNALBOX_NODE_MODULES says where the package is.
'use strict';
const assert = require('assert');
const smpp = require(`${process.env.SIGNALBOX_NODE_MODULES}/smpp`);

const port = Number(process.argv[2]);
// Longer than anything takes on a machine that has other work, too.
const PATIENCE = 60000;

// Receipts by message id, and who waits for one.
const receipts = new Map();
const waiting = new Map();

function within(what, promise) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what}: not within ${PATIENCE} ms`)), PATIENCE);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

function connect() {
  return within('a connection', new Promise((resolve, reject) => {
    const session = smpp.connect({ url: `smpp://127.0.0.1:${port}` }, () => resolve(session));
    session.on('error', reject);
    session.on('deliver_sm', (pdu) => {
      session.send(pdu.response());
      const text = typeof pdu.short_message === 'string' ? pdu.short_message : pdu.short_message.message;
      const fields = /id:(\S+) .*stat:(\S+)/.exec(text);
      if (!fields) return;
      const receipt = { state: fields[2], named: pdu.receipted_message_id, message_state: pdu.message_state };
      receipts.set(fields[1], receipt);
      if (waiting.has(fields[1])) waiting.get(fields[1])(receipt);
    });
  }));
}

function ask(session, command, fields) {
  return within(command, new Promise((resolve) => session[command](fields, resolve)));
}

function receipt(id) {
  if (receipts.has(id)) return Promise.resolve(receipts.get(id));
  return within(`the receipt of ${id}`, new Promise((resolve) => waiting.set(id, resolve)));
}

async function submit(session, fields) {
  const answer = await ask(session, 'submit_sm', {
    source_addr: '12345', dest_addr_ton: 1, dest_addr_npi: 1, registered_delivery: 1, ...fields,
  });
  assert.strictEqual(answer.command_status, 0, `submit_sm: status ${answer.command_status}`);
  return answer.message_id;
}

const credentials = { system_id: 'demo', password: 'demo' };

const cases = {
  async 'a wrong password is refused'() {
    const session = await connect();
    const answer = await ask(session, 'bind_transceiver', { system_id: 'demo', password: 'wrong' });
    assert.strictEqual(answer.command_status, smpp.ESME_RINVPASWD);
    session.close();
  },
  async 'a message and its receipt'(session) {
    const id = await submit(session, { destination_addr: '447700900001', short_message: 'Hello!' });
    const found = await receipt(id);
    assert.strictEqual(found.state, 'DELIVRD');
    assert.strictEqual(String(found.named).replace(/\0$/, ''), id);
    assert.strictEqual(found.message_state, 2);
  },
  async 'what cannot be delivered'(session) {
    const id = await submit(session, { destination_addr: '447700900009', short_message: 'Hello!' });
    assert.strictEqual((await receipt(id)).state, 'UNDELIV');
  },
  async 'UCS-2'(session) {
    const id = await submit(session, { destination_addr: '447700900002', short_message: 'Привет 👋', data_coding: 8 });
    assert.strictEqual((await receipt(id)).state, 'DELIVRD');
  },
  async 'message_payload'(session) {
    const id = await submit(session, { destination_addr: '447700900003', message_payload: 'long '.repeat(60) });
    assert.strictEqual((await receipt(id)).state, 'DELIVRD');
  },
  async 'two parts with a UDH'(session) {
    for (const part of [1, 2]) {
      const udh = Buffer.from([5, 0, 3, 7, 2, part]);
      const message = { udh, message: `part ${part}` };
      const id = await submit(session, { destination_addr: '447700900004', esm_class: 0x40, short_message: message });
      assert.strictEqual((await receipt(id)).state, 'DELIVRD');
    }
  },
  async 'a hundred at once'(session) {
    const ids = await Promise.all(Array.from({ length: 100 }, (_, number) => submit(session, {
      destination_addr: String(447700910000 + number * 10), short_message: `number ${number}`,
    })));
    assert.strictEqual(new Set(ids).size, 100);
    const found = await Promise.all(ids.map(receipt));
    assert(found.every(({ state }) => state === 'DELIVRD'));
  },
  async 'query_sm of what is delivered'(session) {
    const id = await submit(session, { destination_addr: '447700900005', short_message: 'Where is it?' });
    await receipt(id);
    const answer = await ask(session, 'query_sm', { message_id: id, source_addr: '12345' });
    assert.strictEqual(answer.command_status, 0);
    assert.strictEqual(answer.message_state, 2);
  },
  async 'cancel_sm of what nobody knows'(session) {
    const answer = await ask(session, 'cancel_sm', { message_id: 'nothing', source_addr: '12345' });
    assert.notStrictEqual(answer.command_status, 0);
  },
  async 'enquire_link'(session) {
    assert.strictEqual((await ask(session, 'enquire_link', {})).command_status, 0);
  },
  async 'a second bind on one session'(session) {
    const answer = await ask(session, 'bind_transceiver', credentials);
    assert.strictEqual(answer.command_status, smpp.ESME_RALYBND);
  },
  async 'unbind'(session) {
    assert.strictEqual((await ask(session, 'unbind', {})).command_status, 0);
    session.close();
  },
};

async function main() {
  const session = await connect();
  const answer = await ask(session, 'bind_transceiver', credentials);
  assert.strictEqual(answer.command_status, 0, `bind_transceiver: status ${answer.command_status}`);
  let wrong = 0;
  for (const [name, run] of Object.entries(cases)) {
    try {
      await run(session);
      console.log(`ok     ${name}`);
    } catch (error) {
      wrong += 1;
      console.log(`WRONG  ${name}: ${error.message}`);
    }
  }
  process.exit(wrong === 0 ? 0 : 1);
}

main().catch((error) => {
  console.log(`WRONG  ${error.message}`);
  process.exit(1);
});
