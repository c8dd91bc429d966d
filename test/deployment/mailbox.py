"""A mail server that keeps what it is sent: mailbox.py FILE appends each mail that comes to 127.0.0.1:25, decoded."""
import email, email.policy, socketserver, sys


class Session(socketserver.StreamRequestHandler):
    def answer(self, line):
        self.wfile.write(f"{line}\r\n".encode())

    def handle(self):
        self.answer("220 mailbox")
        while line := self.rfile.readline():
            word = line.strip().upper()
            if word == b"QUIT":
                return self.answer("221 bye")
            if word != b"DATA":
                self.answer("250 mailbox")
                continue
            self.answer("354 go on")
            lines = iter(self.rfile.readline, b".\r\n")
            self.keep(email.message_from_bytes(b"".join(lines), policy=email.policy.default))
            self.answer("250 kept")

    def keep(self, mail):
        text = mail.get_body(("plain", "html")).get_content()
        with open(sys.argv[1], "a", encoding="utf-8") as file:
            file.write(f"To: {mail['to']}\nSubject: {mail['subject']}\n{text}\n")


socketserver.TCPServer.allow_reuse_address = True
socketserver.TCPServer(("127.0.0.1", 25), Session).serve_forever()
