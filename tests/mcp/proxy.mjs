// A door for programs that cannot show a token: hands each request on to the server with the token, and changes nothing else
// of it. Prints the port that it listens on.
//
//   proxy.mjs PORT TOKEN

import http from 'node:http';

const [port, token] = [Number(process.argv[2]), process.argv[3]];
const server = http.createServer((request, response) => {
    const headers = { ...request.headers, authorization: `Bearer ${token}` };
    const options = { host: '127.0.0.1', port, method: request.method, path: request.url, headers, setHost: false };
    const onward = http.request(options, answer => {
        response.writeHead(answer.statusCode, answer.headers);
        answer.pipe(response);
    });
    onward.on('error', () => response.destroy());
    response.on('close', () => onward.destroy());
    request.pipe(onward);
});
server.listen(0, '127.0.0.1', () => console.log(server.address().port));
