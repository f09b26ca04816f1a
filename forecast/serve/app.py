"""The table of routes."""

import logging
from pathlib import Path

import bokeh.server
from tornado.web import Application, RequestHandler

import forecast.report.html
from forecast.serve.handlers import forecasts, inference, jobs, models, page, runs, series, service
from forecast.serve.handlers.base import Missing
from forecast.serve.state import State

log = logging.getLogger("forecast.serve.access")
HERE = Path(__file__).parent
BOKEH = Path(bokeh.server.__file__).parent / "static" / "js"
SHARED = Path(forecast.report.html.__file__).parent / "static"
NAME, ID = "([^/]+)", "([^/]+)"

ROUTES: tuple[tuple[str, type[RequestHandler]], ...] = (
    ("/", page.Page),
    ("/healthz", service.Healthz),
    ("/metrics", service.MetricsText),
    ("/v1/openapi.json", service.OpenApi),
    ("/v1/series", series.SeriesList),
    (f"/v1/series/{ID}", series.OneSeries),
    (f"/v1/series/{ID}/history", series.History),
    (f"/v1/series/{ID}/past", forecasts.Past),
    ("/v1/forecasts", forecasts.Forecasts),
    ("/v1/trainings", jobs.Trainings),
    ("/v1/jobs", jobs.JobList),
    (f"/v1/jobs/{ID}", jobs.OneJob),
    (f"/v1/jobs/{ID}/stop", jobs.StopJob),
    (f"/v1/jobs/{ID}/events", jobs.JobEvents),
    ("/v1/models", models.ModelList),
    (f"/v1/models/{NAME}", models.OneModel),
    (f"/v1/models/{NAME}/bundle", models.Bundle),
    (f"/v1/models/{NAME}/update", models.UpdateModel),
    (f"/v1/trash/{ID}/restore", models.Restore),
    ("/v1/runs", runs.RunList),
    (f"/v1/runs/{NAME}", runs.OneRun),
    (f"/v1/runs/{NAME}/files/(.+)", runs.RunFile),
    ("/v2", inference.ServerMetadata),
    ("/v2/health/live", inference.Health),
    ("/v2/health/ready", inference.Health),
    (f"/v2/models/{NAME}", inference.ModelMetadata),
    (f"/v2/models/{NAME}/ready", inference.ModelReady),
    (f"/v2/models/{NAME}/infer", inference.Infer),
)
ASSETS = (("/static/bokeh/(.*)", BOKEH), ("/static/shared/(.*)", SHARED), ("/static/(.*)", HERE / "static"))


def make_app(state: State) -> Application:
    """The application that answers with a state."""
    routes = [(path, handler, {"state": state}) for path, handler in ROUTES]
    assets = [(path, page.Asset, {"path": str(folder), "state": state}) for path, folder in ASSETS]

    def tell(handler: RequestHandler) -> None:
        name = getattr(handler, "route", type(handler).__name__)
        seconds = handler.request.request_time()
        state.metrics.seen(name, str(handler.request.method), handler.get_status(), seconds)
        about = {
            "method": handler.request.method,
            "path": handler.request.path,
            "status": handler.get_status(),
            "ms": round(1000 * seconds, 1),
            "remote": handler.request.remote_ip,
        }
        log.log(logging.ERROR if handler.get_status() == 500 else logging.INFO, "request", extra=about)

    return Application(
        [*routes, *assets],
        default_handler_class=Missing,
        default_handler_args={"state": state},
        log_function=tell,
        compress_response=False,
        websocket_ping_interval=None,
    )
