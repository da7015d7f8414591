// An SMSC on the package `smpp`: takes every submit_sm, answers with an id, and sends its receipt.
//
//     node smsc.js [hexadecimal]
//
// With `hexadecimal` the ids of responses are hexadecimal and those of receipts decimal, as of many real ones. Prints
// `listening PORT`, then a line of JSON for each submit_sm and each answer to a receipt. SIGNALBOX_NODE_MODULES says
// where the package is.
'use strict';
const smpp = require(`${process.env.SIGNALBOX_NODE_MODULES}/smpp`);

const hexadecimal = process.argv[2] === 'hexadecimal';
let next = 0x00abcd01;

const server = smpp.createServer((session) => {
  session.on('error', () => {});
  session.on('bind_transceiver', (pdu) => {
    const right = pdu.system_id === 'signalbox' && pdu.password === 'secret';
    session.send(pdu.response({ command_status: right ? 0 : smpp.ESME_RINVPASWD, system_id: 'node' }));
  });
  session.on('submit_sm', (pdu) => {
    const id = next++;
    session.send(pdu.response({ message_id: hexadecimal ? id.toString(16) : String(id) }));
    const payload = pdu.message_payload !== undefined ? pdu.message_payload : pdu.short_message;
    const text = payload && payload.message !== undefined ? payload.message : String(payload);
    const udh = payload && payload.udh ? payload.udh.length : 0;
    console.log(JSON.stringify({
      to: pdu.destination_addr, from: pdu.source_addr, text, udh, data_coding: pdu.data_coding,
      registered: pdu.registered_delivery, priority: pdu.priority_flag,
    }));
    if ((pdu.registered_delivery & 3) !== 1) return;
    const state = pdu.destination_addr.endsWith('9') ? 'UNDELIV' : 'DELIVRD';
    const receipt = `id:${id} sub:001 dlvrd:001 submit date:2611220400 done date:2611220401 stat:${state} err:000 text:`;
    session.deliver_sm({
      source_addr: pdu.destination_addr, destination_addr: pdu.source_addr, esm_class: 4, short_message: receipt,
    }, (answer) => console.log(JSON.stringify({ receipt: id, status: answer.command_status })));
  });
  session.on('enquire_link', (pdu) => session.send(pdu.response()));
  session.on('unbind', (pdu) => {
    session.send(pdu.response());
    session.close();
  });
});
server.listen(0, '127.0.0.1', () => console.log(`listening ${server.address().port}`));
