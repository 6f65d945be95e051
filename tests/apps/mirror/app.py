"""A web app that shows what it is asked, and answers as the odd ones do: PORT, or the path of a SOCKET"""

import asyncio
import sys
import time

from aiohttp import WSMsgType, web

HUGE = 1 << 40
turn = asyncio.Event()
closed = 0
waiting = 0


async def mirror(request):
    headers = [[name.lower(), value] for name, value in request.headers.items()]
    body = (await request.read()).decode()
    return web.json_response({"method": request.method, "path": request.raw_path, "headers": headers, "body": body})


async def page(_):
    headers = {"X-Frame-Options": "DENY", "Content-Security-Policy": "default-src 'self'; frame-ancestors 'none'"}
    return web.Response(text="<!doctype html><title>Mirror</title><p>the app", content_type="text/html", headers=headers)


async def cookies(request):
    answer = web.Response()
    answer.headers.add("Set-Cookie", request.query["name"] + "=taken; Path=/")
    answer.headers.add("Set-Cookie", "sid=1; Path=/")
    answer.headers["Clear-Site-Data"] = '"cookies"'
    return answer


async def away(request):
    raise web.HTTPFound(f"http://{request.headers['Host']}/page?from=redirect")


async def stream(request):
    answer = web.StreamResponse()
    await answer.prepare(request)
    await answer.write(b"one\n")
    await turn.wait()
    await answer.write(b"two\n")
    return answer


async def go(_):
    turn.set()
    return web.Response()


async def upload(request):
    """Answers for every megabyte that has come, while more comes."""
    answer = web.StreamResponse()
    await answer.prepare(request)
    size = 0
    async for chunk in request.content.iter_any():
        before, size = size, size + len(chunk)
        if size >> 20 > before >> 20:
            await answer.write(f"{size >> 20}\n".encode())
    await answer.write(f"all {size}\n".encode())
    return answer


async def block(request):
    time.sleep(float(request.query["s"]))
    return web.Response(text="done")


async def drop(request):
    request.transport.abort()
    await asyncio.sleep(1)


async def wait(request):
    """Answers nothing, until whoever asked is gone."""
    global waiting
    waiting += 1
    while request.transport is not None and not request.transport.is_closing():
        await asyncio.sleep(0.02)
    waiting -= 1
    return web.Response()


async def those_waiting(_):
    return web.Response(text=str(waiting))


async def socket(request):
    line = web.WebSocketResponse(protocols=["mirror"], max_msg_size=0)
    await line.prepare(request)
    await line.send_json([[name.lower(), value] for name, value in request.headers.items()])
    async for message in line:
        if message.type == WSMsgType.TEXT:
            await line.send_str(message.data)
        elif message.type == WSMsgType.BINARY:
            await line.send_bytes(message.data)
    global closed
    closed += 1
    return line


async def sockets_closed(_):
    return web.Response(text=str(closed))


app = web.Application(client_max_size=HUGE)
for path, handler in [
    ("/", page), ("/page", page), ("/cookies", cookies), ("/away", away), ("/stream", stream), ("/go", go),
    ("/upload", upload), ("/block", block), ("/drop", drop), ("/socket", socket),
    ("/closed", sockets_closed), ("/wait", wait), ("/waiting", those_waiting), ("/{rest:.*}", mirror),
]:
    app.router.add_route("*", path, handler)
where = {"host": "127.0.0.1", "port": int(sys.argv[1])} if sys.argv[1].isdigit() else {"path": sys.argv[1]}
web.run_app(app, print=None, **where)
