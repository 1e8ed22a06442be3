// npm's smpp, told what to do by JSON objects on standard input, telling what it hears on standard
// output. `serve` is an SMSC on a free port of the loopback; `connect` is an ESME.
//
// {"do": "connect", "host", "port"}            ESME: open a connection ("tls": true for TLS)
// {"do": "send", "command", "fields"}          send a PDU; its answer is told as "answer"
// {"do": "answer", "status"}                   SMSC: answer later submits with this status
// {"do": "close"}                              close without a word
// Octets are {"hex": "..."} both ways; a text stays a text, to see how smpp reads and writes it.
'use strict';
const readline = require('readline');
const smpp = require('smpp');

const tell = (event, more) => process.stdout.write(JSON.stringify({ event, ...more }) + '\n');

function plain(value) {
  if (Buffer.isBuffer(value)) return { hex: value.toString('hex') };
  if (value instanceof Date) return value.toISOString();
  if (Array.isArray(value)) return value.map(plain);
  if (value && typeof value === 'object') {
    return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, plain(one)]));
  }
  return value;
}

function octets(value) {
  if (Array.isArray(value)) return value.map(octets);
  if (value && typeof value === 'object') {
    if (typeof value.hex === 'string') return Buffer.from(value.hex, 'hex');
    return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, octets(one)]));
  }
  return value;
}

const told = (pdu) => {
  const { command, command_status: status, sequence_number: sequence, ...rest } = pdu;
  return { command, status, sequence, fields: plain(rest) };
};

let session = null;
let status = 0;
let made = 0x1000;

function listenTo(one) {
  session = one;
  one.on('pdu', (pdu) => {
    if (pdu.command.endsWith('_resp') || pdu.command === 'generic_nack') return;
    tell('pdu', told(pdu));
    if (pdu.command === 'submit_sm') {
      const message_id = status ? '' : String(++made);
      one.send(pdu.response({ command_status: status, message_id }));
    } else if (pdu.command !== 'alert_notification') {
      one.send(pdu.response());
      if (pdu.command === 'unbind') one.close();
    }
  });
  one.on('close', () => tell('closed', {}));
  one.on('error', (error) => tell('error', { message: String(error) }));
}

const DOES = {
  connect: ({ host, port, tls }) => {
    const one = smpp.connect({ host, port, tls: Boolean(tls), rejectUnauthorized: false });
    listenTo(one);
    one.on(tls ? 'secureConnect' : 'connect', () => tell('connected', {}));
  },
  send: ({ command, fields }) =>
    session.send(new smpp.PDU(command, octets(fields || {})), (pdu) => tell('answer', told(pdu))),
  answer: (given) => {
    status = given.status;
  },
  close: () => session.destroy(),
};

if (process.argv[2] === 'serve') {
  const server = smpp.createServer({}, listenTo);
  server.listen(0, '127.0.0.1', () => tell('listening', { port: server.address().port }));
}
readline.createInterface({ input: process.stdin }).on('line', (line) => {
  const given = JSON.parse(line);
  DOES[given.do](given);
});
process.stdin.on('end', () => process.exit(0));
