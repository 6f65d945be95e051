//! What stands in for a program of the rig while it is drilled: it tells the twin, and does nothing else.

use std::{
    io::{self, BufRead as _, BufReader, Read as _, Write as _},
    net::{SocketAddr, TcpStream},
    time::Duration,
};

/// Well within the timeout of any step.
const WITHIN: Duration = Duration::from_secs(5);

/// Says to the twin at `at` that the program of this line would have run; done once it has heard it.
pub(crate) fn tell(at: SocketAddr, line: &str) -> io::Result<()> {
    let mut stream = TcpStream::connect_timeout(&at, WITHIN)?;
    stream.set_read_timeout(Some(WITHIN))?;
    stream.set_write_timeout(Some(WITHIN))?;
    stream.write_all(format!("{line}\n").as_bytes())?;
    let mut answer = String::new();
    BufReader::new(stream.take(64)).read_line(&mut answer)?;
    if answer.trim() == "ok" { Ok(()) } else { Err(io::ErrorKind::InvalidData.into()) }
}
